/** A consumer of the package as it is built, with TypeScript at its strictest: the types of every entry point hold. */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { temporaryFolder } from "../suites/setup/temporary-folder.js";

const inFolder = temporaryFolder();
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);

/** Compiles a file of a project that has the package, and returns the compiler's errors. */
function compile(name: string, source: string): string {
  const root = inFolder(name);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  symlinkSync(resolve("."), join(root, "node_modules", "trueup"));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    module: "NodeNext",
    target: "ES2023",
    types: ["node"],
    typeRoots: [resolve("node_modules/@types")],
  };
  writeFileSync(join(root, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(root, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  writeFileSync(join(root, "main.ts"), source);
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", root], {
    encoding: "utf8",
  });
  return status === 0 ? "" : `${stdout}${stderr}` || `exit ${status}`;
}

test("a consumer of every entry point compiles, with the types of everything that these use", () => {
  const entries = Object.keys(packageJson.exports).filter((entry) => entry !== "./package.json");
  expect(entries.length).toBeGreaterThan(10);
  const lines = entries.map((entry, at) => `export * as entry${at} from "trueup${entry.slice(1)}";`);
  expect(compile("all", lines.join("\n"))).toBe("");
});

test("a backend that listens has types, and a mistake in its use shows", () => {
  const use = `import { memory, openBackend, type RunningServer } from "trueup";
    const backend = await openBackend({ storage: memory() });
    export const server: RunningServer = await backend.listen({ port: 0, limits: { sockets: 10 } });`;
  expect(compile("use", use)).toBe("");
  expect(compile("wrong", use.replace("port: 0", 'port: "0"'))).toMatch(/TS2322/);
});
