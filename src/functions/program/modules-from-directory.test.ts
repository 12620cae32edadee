import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { modulesFromDirectory } from "./modules-from-directory.js";

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
