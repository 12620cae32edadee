import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CodeFolder } from "./code-folder.js";
import { moduleHash } from "./program-code.js";
import type { CodeModule } from "./program-code.js";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trueup-test-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function module(path: string, source: string): CodeModule {
  return { path, source, environment: "isolate", sha256: moduleHash({ source }) };
}

const modules = [
  module("main.js", 'import { two } from "./_deps/X.js"; export const one = two - 1;'),
  module("_deps/X.js", "export const two = 2;"),
];

test("modules are files that import each other, as ES modules", async () => {
  const files = await new CodeFolder(join(root, "code")).write(modules, {});
  expect(await import(files.url("main.js"))).toMatchObject({ one: 1 });
});

test("equal code has one place; another environment has another", async () => {
  const folder = new CodeFolder(root);
  const first = await folder.write(modules, {});
  expect((await folder.write(modules.toReversed(), {})).name).toBe(first.name);
  expect((await folder.write(modules, { KEY: "1" })).name).not.toBe(first.name);
});

test("files that were cut short or removed are written again", async () => {
  const files = await new CodeFolder(root).write(modules, {});
  writeFileSync(fileURLToPath(files.url("main.js")), "import {");
  rmSync(fileURLToPath(files.url("_deps/X.js")));
  await new CodeFolder(root).write(modules, {});
  for (const { path, source } of modules) {
    expect(readFileSync(fileURLToPath(files.url(path)), "utf8")).toBe(source);
  }
});

test("pruning keeps what is in use and what is not its own", async () => {
  const folder = new CodeFolder(root);
  const used = await folder.write(modules, {});
  const unused = await folder.write(modules, { KEY: "1" });
  mkdirSync(join(root, `${unused.name}-draft`));
  mkdirSync(join(root, "notes"));
  await folder.prune(new Set([used.name]));
  expect(readdirSync(root).toSorted()).toEqual([used.name, "notes"].toSorted());
});

test("packages left out of a bundle are found in the node_modules above", async () => {
  mkdirSync(join(root, "node_modules", "left-out"), { recursive: true });
  writeFileSync(join(root, "node_modules", "left-out", "index.js"), "module.exports = { here: true };");
  const folder = new CodeFolder(join(root, ".trueup", "code"));
  const files = await folder.write([module("a.js", 'export { here } from "left-out";')], {});
  expect(await import(files.url("a.js"))).toMatchObject({ here: true });
});

test("a temporary folder finds the packages of the process, and goes when it is closed", async () => {
  const folder = new CodeFolder();
  const files = await folder.write([module("a.js", 'export { v } from "convex/values";')], {});
  expect(await import(files.url("a.js"))).toHaveProperty("v");
  await folder.close();
  expect(() => readFileSync(fileURLToPath(files.url("a.js")))).toThrow(/ENOENT/);
});
