/** Files that only their owner may read, whatever the umask: what is in them is the app's. */
import { closeSync, openSync } from "node:fs";
import { fileError } from "../storage-errors.js";

/**
 * Makes an empty file, before SQLite does; SQLite gives the files beside a data file the data file's mode.
 * @returns False when there is one, which is left as it is.
 * @throws STORAGE_UNAVAILABLE, STORAGE_FULL
 */
export function createPrivateFile(path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "EEXIST") return false;
    throw fileError(path, error);
  }
}
