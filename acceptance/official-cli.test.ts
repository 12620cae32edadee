import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBackend, sqlite, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { fixtureApp } from "./setup/fixture-app.js";
import { CliApp, type CliResult } from "./setup/cli-app.js";

const adminKey = "trueup|0123456789abcdef";

const app = new CliApp(fixtureApp);
let backend: Backend;
let server: RunningServer;

async function serve(port: number): Promise<void> {
  backend = await openBackend({
    storage: sqlite(join(app.root, ".trueup", "data.sqlite"), { durability: "relaxed" }),
    codeFolder: join(app.root, ".trueup", "code"),
    log: "silent",
  });
  server = await startServer(backend, { port, adminKeys: [adminKey] });
  useKey(adminKey);
}

/** Tells the CLI where the server is, and its key. */
function useKey(key: string): void {
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${key}'\n`,
  });
}

async function stop(): Promise<void> {
  await server.close();
  await backend.close();
}

async function convex(...args: string[]): Promise<CliResult> {
  return await app.runOfficial(args);
}

/** What `convex run` prints on stdout, as JSON. */
async function run(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await convex("run", ...args);
  if (code !== 0) throw new Error(`It ended with ${code}: ${stderr}`);
  return stdout === "" ? null : JSON.parse(stdout);
}

/** What a function returns, asked without the CLI. */
async function call(path: string, args: object = {}): Promise<unknown> {
  const outcome = await backend.run({ path, args, allowInternal: true });
  return outcome.status === "success" ? outcome.value : outcome.error;
}

let generatedModules: unknown;
let deployed: CliResult;
beforeAll(async () => {
  await serve(0);
  await convex("codegen", "--typecheck", "disable");
  generatedModules = (await backend.deploy.configHashes()).moduleHashes;
  deployed = await convex("deploy", "--typecheck", "disable");
}, 120_000);
afterAll(async () => {
  await stop();
  await app.remove();
});

test("codegen writes types for the app, its components and what they mount, and puts nothing in place", () => {
  expect(generatedModules).toEqual([]);
  const read = (path: string): string => readFileSync(join(app.root, "convex", path), "utf8");
  const api = read("_generated/api.d.ts");
  for (const name of ["aggregateByScore", "migrations", "tally"]) expect(api).toContain(`"${name}"`);
  expect(read("tally/_generated/server.ts")).toContain("STEP: string");
  expect(read("tally/_generated/component.ts")).toContain("counter:");
  expect(existsSync(join(app.root, "convex/_generated/dataModel.d.ts"))).toBe(true);
});

test("network-test ends well", async () => {
  const { code, stderr } = await convex("network-test");
  expect(stderr).toContain("WebSocket connection established");
  expect(stderr).toContain("Network test passed");
  expect(code).toBe(0);
});

test("deploy reports what is new", () => {
  expect(deployed).toMatchObject({ code: 0 });
  expect(deployed.stderr).toContain("[+] scores.by_score   score");
  for (const path of ["aggregateByScore", "migrations", "tally", "tally/shardedCounter"]) {
    expect(deployed.stderr).toContain(`Installed component ${path}.`);
  }
});

test("run calls mutations with their log lines, queries, actions, internal and default functions", async () => {
  const added = await convex("run", "leaderboard:add", '{"name":"Ann","score":10}');
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^"[a-z0-9]{32}"\n$/) });
  expect(added.stderr).toContain("[LOG] 'adding' 'Ann'");
  const [names, count, secret, step, hash, level] = await Promise.all([
    run("leaderboard:names"),
    run("api.leaderboard.count"),
    run("leaderboard:secret"),
    run("leaderboard:step"),
    run("hashing:hash"),
    run("leaderboard"),
  ]);
  expect([names, count, secret, step, level]).toEqual([["Ann"], 1, 42, 2, "unset"]);
  expect(hash).toBe("d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35");
});

test("run reaches into components", async () => {
  expect(await run("--component", "migrations", "lib:getStatus", "{}")).toEqual([]);
  expect(await run("--component", "tally", "counter:step")).toBe(2);
});

test("run says what is wrong, and ends with an error", async () => {
  const [args, missing, kind, component, thrown, json] = await Promise.all([
    convex("run", "leaderboard:add", '{"name":1}'),
    convex("run", "leaderboard:addd"),
    convex("run", "--component", "tally", "counter:nope"),
    convex("run", "--component", "nothing", "counter:step"),
    convex("run", "leaderboard:refuse"),
    convex("run", "leaderboard:add", "{name"),
  ]);
  expect([args, missing, kind, component, thrown, json].map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(args.stderr).toContain("ArgumentValidationError");
  expect(missing.stderr).toContain("Did you mean 'leaderboard:add'?");
  expect(missing.stderr).toContain("• leaderboard:add\n");
  expect(kind.stderr).toContain("• counter:step");
  expect(component.stderr).toContain("There is no component 'nothing'");
  expect(thrown.stderr).toMatch(/on purpose.*\n.*leaderboard\.js:\d+:\d+/);
  expect(json.stderr).toContain("Failed to parse arguments as JSON");
});

test("a wrong key is told at once", async () => {
  useKey("trueup|wrong");
  const [ran, pushed] = await Promise.all([convex("run", "leaderboard:names"), convex("deploy")]);
  useKey(adminKey);
  for (const { code, stderr } of [ran, pushed]) {
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("The admin key is not the one of this server."),
    ]);
  }
});

test("a watched query prints each new result", async () => {
  const env = { PATH: process.env["PATH"], HOME: app.root, CI: "true" };
  const cli = resolve("node_modules/convex/bin/main.js");
  const watching = spawn(process.execPath, [cli, "run", "--watch", "leaderboard:count"], {
    cwd: app.root,
    env,
  });
  let printed = "";
  watching.stdout.on("data", (text: Buffer) => (printed += text.toString()));
  const ended = once(watching, "exit");
  const prints = async (text: string): Promise<void> => await expect.poll(() => printed).toBe(text);
  await prints("1\n");
  await call("leaderboard:add", { name: "Bob", score: 5 });
  await prints("1\n2\n");
  watching.kill("SIGKILL");
  await ended;
});

test("tables, documents, functions and environment variables can be looked at and set", async () => {
  const [tables, documents, spec] = await Promise.all([
    convex("data"),
    convex("data", "scores", "--format", "jsonl"),
    convex("function-spec"),
    convex("env", "set", "LEVEL", "high"),
  ]);
  expect(tables.stdout).toBe("scores\n");
  expect(documents.stdout).toContain('"name": "Ann"');
  expect(spec.stdout).toContain('"identifier": "leaderboard.js:add"');
  expect(spec.stdout).toContain('"functionType": "HttpAction"');
  expect(await call("leaderboard")).toBe("high");
  expect((await convex("env", "list")).stdout).toBe("LEVEL=high\n");
});

test("a query on the command line is run", async () => {
  const { stdout } = await convex("run", "--inline-query", 'await ctx.db.query("scores").collect()');
  expect(JSON.parse(stdout)).toHaveLength(Number(await call("leaderboard:count")));
});

test("HTTP routes answer below the site's address", async () => {
  const response = await fetch(`${server.url}/http/count`);
  expect(await response.json()).toEqual({ count: await call("leaderboard:count") });
});

test("dev --once pushes what changed", async () => {
  app.write({ "convex/lib/doubled.ts": "export const doubled = (n: number) => n * 4;\n" });
  const pushed = await convex("dev", "--once", "--typecheck", "disable");
  expect(pushed).toMatchObject({ code: 0, stderr: expect.stringContaining("Convex functions ready!") });
  expect(await call("leaderboard:secret")).toBe(84);
});

test("a schema that the data does not fit is refused with all that is wrong; the old code runs on", async () => {
  const schema = fixtureApp["convex/schema.ts"] ?? "";
  app.write({
    "convex/schema.ts": schema.replace("score: v.number()", "score: v.string(), team: v.string()"),
    "convex/lib/doubled.ts": "export const doubled = (n: number) => n * 100;\n",
  });
  const refused = await convex("deploy", "--typecheck", "disable");
  app.write({ "convex/schema.ts": schema });
  expect(refused.code).toBe(1);
  const count = await call("leaderboard:count");
  expect(refused.stderr).toContain("Schema validation failed.");
  expect(refused.stderr).toContain(`${String(count)} documents do not match the schema, in 2 ways:`);
  expect(refused.stderr).toContain("missing the required field `team`");
  expect(refused.stderr).toContain("Validator: v.string()");
  expect(await call("leaderboard:secret")).toBe(84);
});

test("a module that throws is named, and the old code runs on", async () => {
  app.write({ "convex/broken.ts": 'export const broken = 1;\nthrow new Error("no luck");\n' });
  const refused = await convex("deploy", "--typecheck", "disable");
  app.write({ "convex/broken.ts": "export const broken = 1;\n" });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("Module 'broken' failed while it was imported: no luck");
  expect(await call("leaderboard:secret")).toBe(84);
});

test("a restarted server runs the same code on the same data", async () => {
  const count = await call("leaderboard:count");
  const { port } = server;
  await stop();
  await serve(port);
  const found = await Promise.all([
    run("leaderboard:count"),
    call("leaderboard:secret"),
    call("leaderboard"),
  ]);
  expect(found).toEqual([count, 84, "high"]);
});
