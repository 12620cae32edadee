import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isFunctionModule, modulesByPath, modulesFromDirectory, parseFunctionPath } from "./modules.js";

test("the functions folder is found from _generated, else schema, else what the keys share", () => {
  const paths = (keys: string[]): string[] =>
    Object.keys(modulesByPath(Object.fromEntries(keys.map((key) => [key, 1]))));
  expect(paths(["./convex/_generated/api.js", "./convex/a.ts", "./convex/d/b.ts"])).toEqual([
    "_generated/api",
    "a",
    "d/b",
  ]);
  expect(paths(["../src/component/schema.ts", "../src/component/lib.ts"])).toEqual(["schema", "lib"]);
  expect(paths(["schema.ts", "a.js"])).toEqual(["schema", "a"]);
  expect(paths(["/x/a.ts", "/x/y/b.mts", "/x/types.d.ts"])).toEqual(["a", "y/b"]);
  expect(paths(["./convex/jobs/a.ts", "./convex/jobs/b.ts"])).toEqual(["jobs/a", "jobs/b"]);
  expect(paths(["./only.ts"])).toEqual(["only"]);
});

test("functions are named with or without extension, and default to the default export", () => {
  expect(parseFunctionPath("a/b:c")).toEqual({ modulePath: "a/b", exportName: "c" });
  expect(parseFunctionPath("a/b.js:c")).toEqual({ modulePath: "a/b", exportName: "c" });
  expect(parseFunctionPath("a/b")).toEqual({ modulePath: "a/b", exportName: "default" });
  expect(() => parseFunctionPath(":c")).toThrow("Could not find function");
  expect(() => parseFunctionPath("a:")).toThrow("Could not find function");
});

test("schema, configuration, tests and generated modules hold no functions", () => {
  for (const path of ["schema", "convex.config", "auth.config", "lib.test", "_generated/api", "a/_deps/x"]) {
    expect(isFunctionModule(path)).toBe(false);
  }
  expect(isFunctionModule("dir/schema")).toBe(true);
  expect(isFunctionModule("crons")).toBe(true);
});

test("every JavaScript file below a folder is a module, by its path", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trueup-modules-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "deep"));
  writeFileSync(join(folder, "a.mjs"), "export const a = 1;");
  writeFileSync(join(folder, "deep", "b.mjs"), "export default 2;");
  writeFileSync(join(folder, "deep", "types.d.ts"), "export type T = 1;");
  const modules = await modulesFromDirectory(folder);
  expect(Object.keys(modules).toSorted()).toEqual(["a.mjs", "deep/b.mjs"]);
  expect(await modules["a.mjs"]?.()).toMatchObject({ a: 1 });
});
