/**
 * Keeps a test's data in memory or, with TRUEUP_TEST_STORAGE=sqlite, in an SQLite file of its own that is deleted when the
 * process ends; without that variable, nothing of SQLite or of the file system is imported. With it, all is imported at once,
 * before a test replaces the timers that the storage takes from the platform. Keeps a test's files in memory.
 */
import { memory } from "../storage/memory/index.js";
import type { Storage } from "../storage/storage.js";
import type { FileStore } from "../files/index.js";

const isOnSqlite = globalThis.process?.env["TRUEUP_TEST_STORAGE"] === "sqlite";
const sqliteRoom = isOnSqlite ? await import("../storage/sqlite/index.js") : null;

let folder: Promise<string> | null = null;
let files = 0;

/** A new, empty storage. */
export async function openTestStorage(): Promise<Storage> {
  const clock = (): number => Date.now();
  if (sqliteRoom === null) return await memory({ clock })();
  folder ??= temporaryFolder();
  files += 1;
  const name = `${files}.sqlite`;
  return await sqliteRoom.sqlite(`${await folder}/${name}`, { durability: "relaxed", clock })();
}

async function temporaryFolder(): Promise<string> {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const path = mkdtempSync(`${tmpdir()}/trueup-test-`);
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

const origin = "https://some-deployment.convex.cloud/api/storage";

/** The files of one test. Nothing is served at their URLs. */
export class TestFiles implements FileStore {
  readonly #files = new Map<string, Blob>();
  #uploads = 0;

  put(storageId: string, file: Blob): Promise<void> {
    this.#files.set(storageId, file);
    return Promise.resolve();
  }
  get(storageId: string): Promise<Blob | null> {
    return Promise.resolve(this.#files.get(storageId) ?? null);
  }
  remove(storageId: string): void {
    this.#files.delete(storageId);
  }
  url(storageId: string): string {
    return `${origin}/${storageId}`;
  }
  uploadUrl(): string {
    this.#uploads += 1;
    return `${origin}/upload?token=${this.#uploads}`;
  }
}
