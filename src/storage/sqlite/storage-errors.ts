/** Turns what SQLite and the file system throw into the storage's own errors, so that nothing above knows either. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { TrueupError, type ErrorCode } from "../../errors/index.js";
import type { SqliteDriver } from "./driver/driver.js";
import { keyToHex } from "../../values/index.js";
import { DamagedEntry } from "./entry-reader.js";

/** Less free space than this, and an I/O error is taken for a full disk. */
const fullDiskBytes = 64 * 1024;

const permissionCode = 3;
const busyCode = 5;
const lockedCode = 6;
const readonlyCode = 8;
const ioErrorCode = 10;
const corruptCode = 11;
const fullCode = 13;
const cantOpenCode = 14;
const notADatabaseCode = 26;

/**
 * The coded error for what a driver's call threw; other errors, defects of this program, are returned as
 * they are. `path` is the data file's. The key of a damaged entry stands in the details in hexadecimal, a byte for a char.
 */
export function storageError(driver: SqliteDriver, path: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof DamagedEntry) {
    const key = keyToHex(error.key);
    return new TrueupError("STORAGE_CORRUPT", `${error.message} (key ${key})`, { path, key }, error);
  }
  const code = errorCodeOf(driver.resultCodeOf(error), path);
  if (code === undefined) return error;
  return new TrueupError(code, undefined, { path, reason: error.message }, error);
}

function errorCodeOf(resultCode: number | undefined, path: string): ErrorCode | undefined {
  switch (resultCode) {
    case fullCode:
      return "STORAGE_FULL";
    case corruptCode:
    case notADatabaseCode:
      return "STORAGE_CORRUPT";
    case busyCode:
    case lockedCode:
      return "STORAGE_LOCKED";
    case ioErrorCode:
    case cantOpenCode:
      return isDiskFull(path) ? "STORAGE_FULL" : "STORAGE_UNAVAILABLE";
    case permissionCode:
    case readonlyCode:
      return "STORAGE_UNAVAILABLE";
    default:
      return undefined;
  }
}

/** On a full disk SQLite reports SQLITE_FULL for the data file only, other codes for the files beside it. */
function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize, blocks } = statfsSync(dirname(path));
    return blocks > 0 && bavail * bsize < fullDiskBytes;
  } catch {
    return false;
  }
}

/** The coded error for what a call of `node:fs` threw; one that is coded stays as it is. */
export function fileError(path: string, error: Error): Error {
  if (error instanceof TrueupError || !("code" in error)) return error;
  const code = error.code === "ENOSPC" ? "STORAGE_FULL" : "STORAGE_UNAVAILABLE";
  return new TrueupError(code, undefined, { path, reason: error.message }, error);
}
