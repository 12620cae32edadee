/**
 * Makes a new data file of everything that can still be read in one whose pages are damaged. Entries go over as they are,
 * damaged ones too, so that whoever reads them is told. The damaged file is kept beside it: what could not be read is
 * still in it.
 */
import { existsSync, realpathSync, renameSync, rmSync } from "node:fs";
import { createDataFile } from "../file/data-file.js";
import type { SqliteConnection, SqliteDriver } from "../driver/driver.js";
import { loadDriver } from "../driver/load-driver.js";
import { prepareMetaRead } from "../file/meta.js";
import { acquireOwnerLock } from "../file/owner-lock.js";
import { storageError } from "../storage-errors.js";
import { survey } from "./survey.js";

export interface Rebuilt {
  /** Where the damaged file is now. */
  readonly keptAs: string;
  /** Entries that were carried over. */
  readonly entries: number;
}

/**
 * Rebuilds a file that nobody has open. O(entries).
 * @throws STORAGE_LOCKED, STORAGE_FULL; STORAGE_CORRUPT when not even the file's version can be read
 */
export async function rebuildSqlite(path: string): Promise<Rebuilt> {
  const driver = await loadDriver();
  const file = realpathSync(path);
  const lock = acquireOwnerLock(driver, file, () => undefined);
  try {
    return rebuild(driver, file);
  } catch (error) {
    throw storageError(driver, file, error);
  } finally {
    lock.release();
  }
}

function rebuild(driver: SqliteDriver, path: string): Rebuilt {
  const rebuilt = `${path}-rebuilt`;
  const keptAs = `${path}-damaged-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`;
  rmSync(rebuilt, { force: true });
  const from = driver.open(path, { busyTimeoutMs: 0 });
  let entries: number;
  try {
    createDataFile(driver, rebuilt, prepareMetaRead(from, "version")());
    const to = driver.open(rebuilt, { busyTimeoutMs: 0 });
    try {
      entries = copy(from, to);
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, keptAs + suffix);
  }
  renameSync(rebuilt, path);
  return { keptAs, entries };
}

function copy(from: SqliteConnection, to: SqliteConnection): number {
  const insert = to.prepareRun("INSERT OR IGNORE INTO entries VALUES (?, ?)");
  let entries = 0;
  to.exec("BEGIN");
  for (const found of survey(from)) {
    if ("reason" in found) continue;
    for (const { key, row } of found) {
      if (key !== null) insert(key, row === null ? "" : row.slice(key.length));
    }
    entries += found.length;
  }
  to.exec("COMMIT");
  return entries;
}
