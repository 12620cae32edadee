import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CliApp, type CliResult } from "./setup/cli-app.js";

const apps: CliApp[] = [];
afterAll(() => Promise.all(apps.map((app) => app.remove())));

/** A folder with these files, and with this repository's packages; without a package.json unless one is given. */
function folder(files: Readonly<Record<string, string>> = {}): CliApp {
  const app = new CliApp(files);
  apps.push(app);
  if (files["package.json"] === undefined) rmSync(join(app.root, "package.json"));
  return app;
}

function read(app: CliApp, path: string): string {
  return readFileSync(join(app.root, path), "utf8");
}

/** Every file of the folder with its text, but for packages and data. */
function contents(app: CliApp): Readonly<Record<string, string>> {
  const tops = readdirSync(app.root).filter((name) => !["node_modules", ".trueup"].includes(name));
  const paths = tops.flatMap((top) =>
    statSync(join(app.root, top)).isFile()
      ? [top]
      : readdirSync(join(app.root, top), { recursive: true, encoding: "utf8" }).map((name) =>
          join(top, name),
        ),
  );
  const files = paths.toSorted().filter((path) => statSync(join(app.root, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, read(app, path)]));
}

async function ok(app: CliApp, ...args: readonly string[]): Promise<CliResult> {
  const result = await app.run(args);
  expect(result.code, `${args.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0);
  return result;
}

/** What the app's manifest would name beside these on the Node at hand. */
const driver = expect.objectContaining({ convex: expect.any(String), trueup: expect.any(String) });

const viteFiles = {
  "package.json": `{\n\t"name": "shop",\n\t"private": true,\n\t"scripts": { "dev": "vite" },\n\t"devDependencies": { "vite": "^7.0.0" }\n}\n`,
  ".gitignore": "node_modules\ndist\n*.local\n",
  "tsconfig.json": `{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }\n`,
  "src/main.ts": "export {};\n",
};
const nextFiles = {
  "package.json": `{\n  "name": "shop",\n  "scripts": { "dev": "next dev" },\n  "dependencies": { "next": "16.0.0" }\n}\n`,
  ".gitignore": "/node_modules\n/.next/\n.env*\n",
  "tsconfig.json": `{ "compilerOptions": { "strict": true }, "include": ["**/*.ts"] }\n`,
  "app/page.tsx": "export default () => null;\n",
};

describe("what init makes runs at once", () => {
  test("in an empty folder; a second run changes nothing", async () => {
    const app = folder();
    const { stdout } = await ok(app, "init");
    expect(stdout).toMatch(/^created package\.json\ncreated \.gitignore\ncreated convex\/tsconfig\.json\n/);
    expect(stdout).toMatch(/\nnext:\n {2}npx trueup dev\n {2}npx trueup run messages:send '.*'\n$/);
    expect(JSON.parse(read(app, "package.json"))).toMatchObject({
      private: true,
      type: "module",
      scripts: { dev: "trueup dev" },
      dependencies: driver,
    });
    expect(read(app, ".gitignore")).toBe("node_modules\n.env.local\n");

    await ok(app, "dev", "--once", "--port", "0");
    const [, json = ""] = /run messages:send '(.*)'/.exec(stdout) ?? [];
    await ok(app, "run", "messages:send", json);
    expect(JSON.parse((await ok(app, "run", "messages:list")).stdout)).toMatchObject([JSON.parse(json)]);

    const before = contents(app);
    const again = await ok(app, "init", "--json");
    expect(JSON.parse(again.stdout)).toEqual({
      status: "success",
      root: app.root,
      functionsFolder: "convex",
      created: [],
      changed: [],
      kept: ["package.json", ".gitignore", "convex/"],
      packageManager: "npm",
      installed: [],
      next: ["npx trueup dev"],
    });
    expect(contents(app)).toEqual(before);
  }, 600_000);

  test.each([
    ["Vite", viteFiles, "VITE_CONVEX_URL"],
    ["Next", nextFiles, "NEXT_PUBLIC_CONVEX_URL"],
  ])(
    "in a project of %s, whose pages get the server's address",
    async (_, files, variable) => {
      const app = folder(files);
      const { stdout } = await ok(app, "init", "--example", "leaderboard");
      expect(stdout).toContain("changed package.json\nkept    .gitignore\n");
      const manifest = JSON.parse(read(app, "package.json")) as Record<string, object>;
      const before = JSON.parse(files["package.json"]) as Record<string, object>;
      expect(manifest).toEqual({
        ...before,
        scripts: { ...before["scripts"], "dev:backend": "trueup dev" },
        dependencies: expect.objectContaining({ ...before["dependencies"], convex: expect.any(String) }),
      });
      expect(read(app, "package.json").split("\n")[1]).toBe(files["package.json"].split("\n")[1]);
      for (const kept of ["tsconfig.json", ".gitignore"] as const) expect(read(app, kept)).toBe(files[kept]);

      await ok(app, "dev", "--once", "--port", "0");
      expect(read(app, ".env.local")).toMatch(new RegExp(`^${variable}=http://127`, "m"));
      await ok(app, "run", "leaderboard:add", '{"name":"Ann","score":750}');
      await ok(app, "run", "leaderboard:add", '{"name":"Bob","score":70}');
      const ranked = await ok(app, "run", "leaderboard:rank", '{"score":70}');
      expect(JSON.parse(ranked.stdout)).toEqual({ better: 1, players: 2, average: 410, median: 70 });
      expect((await ok(app, "aggregates", "verify")).stdout).toContain("byScore: no differences");
    },
    600_000,
  );
});

describe("init overwrites nothing", () => {
  const own = {
    "package.json":
      '{"type":"module","scripts":{"backend":"trueup dev"},"dependencies":{"convex":"^1.48.0"}}',
    "convex/schema.ts": "export default null;\n",
    "convex/own.ts": "export {};\n",
  };

  test("where an app has functions, it adds none", async () => {
    const app = folder(own);
    const before = contents(app);
    const { stdout } = await ok(app, "init");
    expect(stdout).toContain("created .gitignore\nchanged package.json\nkept    convex/\n");
    const { "package.json": manifest = "", ".gitignore": _, ...rest } = contents(app);
    expect({ "package.json": before["package.json"], ...rest }).toEqual(before);
    // The manifest had a script that starts Trueup, and no line end.
    expect(JSON.parse(manifest)).toEqual({ ...JSON.parse(own["package.json"]), dependencies: driver });
    expect(manifest.endsWith("}")).toBe(true);
  });

  test("an example whose file is there is refused before anything is written", async () => {
    const app = folder(own);
    const before = contents(app);
    expect(await app.run(["init", "--example", "leaderboard"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^error FILE_EXISTS: .*convex\/schema\.ts.*\nhint: /),
    });
    expect(contents(app)).toEqual(before);
  });

  test("an app of Convex Cloud, and what is no JSON, are left alone", async () => {
    const cloud = folder({ "package.json": "{}", ".env.local": "CONVEX_DEPLOYMENT=dev:happy-animal-123\n" });
    const broken = folder({ "package.json": '{"name":' });
    const settings = folder({ "convex.json": '{"functions":1}' });
    for (const [app, code, error] of [
      [cloud, 78, "OTHER_BACKEND_CONFIGURED"],
      [broken, 64, "MALFORMED_JSON"],
      [settings, 64, "MALFORMED_JSON"],
    ] as const) {
      const before = contents(app);
      expect(await app.run(["init"])).toMatchObject({
        code,
        stderr: expect.stringContaining(`error ${error}: `),
      });
      expect(contents(app)).toEqual(before);
    }
  });
});

test("init finds the folder of functions that convex.json names, and the package above a folder inside of it", async () => {
  const app = folder({ "convex.json": '{"functions":"server/convex/"}', "src/main.ts": "export {};\n" });
  mkdirSync(join(app.root, ".git"));
  app.write({ "package.json": "{}", "bun.lock": "" });
  const { runInProcess } = await import("./setup/run-in-process.js");
  const { runCli } = await import("../src/cli/run-cli.js");
  const made = await runInProcess(runCli, ["init", "--json"], { folder: join(app.root, "src") });
  expect(JSON.parse(made.stdout)).toMatchObject({
    root: app.root,
    functionsFolder: "server/convex",
    packageManager: "bun",
    next: ["cd ..", "bunx trueup dev", expect.stringContaining("bunx trueup run messages:send")],
  });
  expect(existsSync(join(app.root, "server/convex/messages.ts"))).toBe(true);
});

describe("init installs what is missing", () => {
  /** An app without packages, and a package manager that notes what it was asked for. */
  function withManager(script: string): { app: CliApp; env: Readonly<Record<string, string>> } {
    const app = folder({ "package.json": "{}", "pnpm-lock.yaml": "", "bin/pnpm": `#!/bin/sh\n${script}\n` });
    rmSync(join(app.root, "node_modules"));
    chmodSync(join(app.root, "bin/pnpm"), 0o755);
    return { app, env: { PATH: [join(app.root, "bin"), process.env["PATH"]].join(delimiter) } };
  }

  test("with the package manager whose lockfile is there", async () => {
    const { app, env } = withManager('echo "asked for $*" && echo "$*" > asked');
    const made = await app.run(["init"], env);
    expect(made, made.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("asked for install"),
    });
    expect(read(app, "asked")).toBe("install\n");
    expect(made.stdout).toMatch(/\nnext:\n {2}pnpm exec trueup dev\n/);
  });

  test("unless it is told not to, and then says what to type", async () => {
    const { app, env } = withManager("touch asked");
    const made = await app.run(["init", "--no-install"], env);
    expect(made.stdout).toMatch(/\nnext:\n {2}pnpm install\n {2}pnpm exec trueup dev\n/);
    expect(existsSync(join(app.root, "asked"))).toBe(false);
  });

  test("one that fails is named, and the files are there", async () => {
    const { app, env } = withManager("exit 3");
    expect(await app.run(["init"], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/error INSTALL_FAILED: `pnpm install` ended with exit code 3\.\nhint: /),
    });
    expect(existsSync(join(app.root, "convex/messages.ts"))).toBe(true);
  });
});

test.each([
  ["a folder that cannot be written to", "/proc"],
  ["a file in the place of the folder of functions", undefined],
])("%s is one clear error without a stack", async (_, place) => {
  const app = folder({ convex: "a file\n" });
  const { runInProcess } = await import("./setup/run-in-process.js");
  const { runCli } = await import("../src/cli/run-cli.js");
  const refused = await runInProcess(runCli, ["init", "--no-install"], { folder: place ?? app.root });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^error FILE_UNAVAILABLE: .+\nhint: .+\n$/);
});
