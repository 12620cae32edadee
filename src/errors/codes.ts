/**
 * Every error code, with its general meaning, what to do about it, and whether to try again.
 * docs/errors.md lists the same codes; a test holds the two together. Codes are sorted within a room.
 */

interface ErrorCodeEntry {
  readonly meaning: string;
  readonly hint: string;
  readonly retryable: boolean;
}

function final(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: false };
}

function retryable(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: true };
}

export const errorCodes = {
  // values
  INVALID_ID: final("The string is not a document id.", "Pass an id that the database returned."),
  INVALID_VALUE: final(
    "The value is not a Convex value.",
    "Use null, booleans, numbers, bigints of 64 bits, strings, ArrayBuffers, arrays and plain objects.",
  ),

  // storage
  STORAGE_CLOSED: final("The storage is closed.", "Open it again before using it."),
  STORAGE_CONFLICT: retryable(
    "Another transaction changed what this one read.",
    "Run the transaction again.",
  ),
  STORAGE_CORRUPT: final(
    "The data file is not one that Trueup wrote, or it is damaged.",
    "Restore it from a backup, or name another file.",
  ),
  STORAGE_DRIVER_MISSING: final(
    "No SQLite driver is available.",
    "Install better-sqlite3@12 beside trueup, or use Node 24 or later, which has one built in.",
  ),
  STORAGE_FULL: final(
    "The disk is full; nothing of this transaction was written.",
    "Free some space and run it again.",
  ),
  STORAGE_LOCKED: retryable(
    "Another process has the data file open.",
    "Stop that process, or send it the call: `trueup run` does so when a server is running.",
  ),
  SNAPSHOT_TOO_OLD: retryable(
    "The snapshot was held too long and has been released.",
    "Run the query again; read in smaller pages.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable name of what went wrong. */
export type ErrorCode = keyof typeof errorCodes;
