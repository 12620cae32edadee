/**
 * The right to own a data file: an exclusive transaction on an empty SQLite database beside it. The operating
 * system drops that lock with the process that holds it, however it ends, so it is never stale. The
 * lock file is only ever opened through SQLite, because closing any descriptor of a file releases all POSIX locks
 * that the process has on it; it stays behind, empty, because deleting it would let two owners in.
 */
import { rmSync } from "node:fs";
import { TrueupError } from "../../errors/index.js";
import type { SqliteDriver } from "./driver.js";
import { createPrivateFile } from "./private-file.js";
import { storageError } from "./storage-errors.js";

export interface OwnerLock {
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
    return {
      release: () => connection.close(),
      withdraw: () => {
        if (isNew) rmSync(lockPath, { force: true });
        connection.close();
      },
    };
  } catch (error) {
    const coded = storageError(driver, path, error);
    if (!(coded instanceof TrueupError) || coded.code !== "STORAGE_LOCKED") throw coded;
    const pid = holderPid();
    throw new TrueupError(
      "STORAGE_LOCKED",
      pid === undefined ? `Another process has ${path} open.` : `Process ${pid} has ${path} open.`,
      pid === undefined ? { path } : { path, pid },
    );
  }
}
