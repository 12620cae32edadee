/**
 * The right to own a data file: an exclusive transaction on an empty SQLite database beside it. The operating
 * system drops that lock with the process that holds it, however it ends, so it is never stale. The
 * lock file is only ever opened through SQLite, because closing any descriptor of a file releases all POSIX locks
 * that the process has on it; it stays behind, empty, because deleting it would let two owners in.
 */
import { rmSync, statSync } from "node:fs";
import { TrueupError } from "../../../errors/index.js";
import type { SqliteDriver } from "../driver/driver.js";
import { createPrivateFile } from "./data-file.js";
import { storageError } from "../storage-errors.js";

/**
 * The data files that this process has open, by device and inode: should their lock file be deleted, a second opening must not
 * so much as look into them, because closing what it looked with would release SQLite's own locks.
 */
const held = new Set<string>();

export interface OwnerLock {
  readonly path: string;
  /** There was no lock file. */
  readonly isNew: boolean;
  /** Says that the data file is there and open from now on. */
  hold(): void;
  release(): void;
  /** Gives the lock back where there turned out to be no data file to own; removes the lock file if it is new. */
  withdraw(): void;
}

/**
 * Takes the lock without waiting.
 * @param holderPid Who may be holding it, asked only when it is taken.
 * @throws STORAGE_LOCKED with the holder's `pid`, where it is known, in the details.
 */
export function acquireOwnerLock(
  driver: SqliteDriver,
  path: string,
  holderPid: () => number | undefined,
): OwnerLock {
  const lockPath = `${path}-lock`;
  const before = identityOf(path);
  if (before !== undefined && held.has(before)) throw lockedBy(path, process.pid);
  const isNew = createPrivateFile(lockPath);
  try {
    const connection = driver.open(lockPath, { busyTimeoutMs: 0 });
    try {
      // Nothing is ever written, so nothing needs a journal file.
      connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      connection.close();
      throw error;
    }
    let identity: string | undefined;
    return {
      path: lockPath,
      isNew,
      hold: () => {
        identity = identityOf(path);
        if (identity !== undefined) held.add(identity);
      },
      release: () => {
        if (identity !== undefined) held.delete(identity);
        connection.close();
      },
      withdraw: () => {
        if (isNew) rmSync(lockPath, { force: true });
        connection.close();
      },
    };
  } catch (error) {
    const coded = storageError(driver, path, error);
    if (!(coded instanceof TrueupError) || coded.code !== "STORAGE_LOCKED") throw coded;
    throw lockedBy(path, holderPid());
  }
}

function lockedBy(path: string, pid: number | undefined): TrueupError {
  return new TrueupError(
    "STORAGE_LOCKED",
    pid === undefined ? `Another process has ${path} open.` : `Process ${pid} has ${path} open.`,
    pid === undefined ? { path } : { path, pid },
  );
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}
