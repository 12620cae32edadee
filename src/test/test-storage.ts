/**
 * Where a test's data is: in memory, or, with TRUEUP_TEST_STORAGE=sqlite, in an SQLite file of its own that is
 * gone when the process ends. Nothing of SQLite, nor of the file system, is imported otherwise.
 */
import { memory } from "../storage/memory/index.js";
import type { Storage } from "../storage/storage.js";

let folder: Promise<string> | null = null;
let files = 0;

/** A new, empty storage. */
export async function openTestStorage(): Promise<Storage> {
  const clock = (): number => Date.now();
  if (globalThis.process?.env["TRUEUP_TEST_STORAGE"] !== "sqlite") {
    return await memory({ clock })();
  }
  const { sqlite } = await import("../storage/sqlite/index.js");
  folder ??= temporaryFolder();
  files += 1;
  const name = `${files}.sqlite`;
  return await sqlite(`${await folder}/${name}`, { durability: "relaxed", clock })();
}

async function temporaryFolder(): Promise<string> {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const path = mkdtempSync(`${tmpdir()}/trueup-test-`);
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}
