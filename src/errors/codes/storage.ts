/** Error codes of storages, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const storageCodes = {
  SNAPSHOT_TOO_OLD: retryable(
    "The snapshot was held for too long and has been released.",
    "Run the query again; read in smaller pages.",
  ),
  STORAGE_ADDRESS_INVALID: final(
    "The address of the database is not one of Postgres.",
    "Write it like postgres://user:password@host:5432/database?schema=app.",
  ),
  STORAGE_CLOSED: final("The storage is closed.", "Open it again before using it."),
  STORAGE_CONFLICT: retryable(
    "Another transaction changed what this one read.",
    "Run the transaction again.",
  ),
  STORAGE_CORRUPT: final(
    "The data file is not one that Trueup wrote, or it is damaged.",
    "Run `trueup check` to see all of the damage, restore a backup, or name another file.",
  ),
  STORAGE_DRIVER_MISSING: final(
    "The package that the storage needs is not installed, or not built for this Node: pg for Postgres; for SQLite, better-sqlite3, where Node has none that can be used.",
    "Beside trueup, run `npm install pg` for Postgres. For SQLite, run `npm install better-sqlite3@12` for Node 20, or without `@12` for Node 22; Node 24.16 or later needs neither.",
  ),
  STORAGE_FORBIDDEN: final(
    "Postgres does not let this user in, or not do what the storage needs.",
    "Check user and password in the address, and give the user the right to create the schema, or a schema of its own.",
  ),
  STORAGE_FULL: final(
    "The disk is full; nothing of this transaction was written.",
    "Free some space and run it again.",
  ),
  STORAGE_LOCKED: retryable(
    "Another process has the data file open.",
    "Stop that process, or send it the call: `trueup run` does so when a server is running.",
  ),
  STORAGE_LOST: final(
    "The data file, its log or its lock was deleted or replaced while it was open; nothing of this transaction was written.",
    "Stop the process, then put the file back or restore a backup before you open it again.",
  ),
  STORAGE_MOVED: final(
    "The data was moved to another place, and goes on there.",
    "Open it where it is now, which `details.to` names; `trueup move --undo` takes a move back that nothing was written after.",
  ),
  STORAGE_NOT_EMPTY: final(
    "There is data already where data was to be moved to.",
    "Name a file that does not exist, or a schema that does not; nothing that is there is ever overwritten.",
  ),
  STORAGE_READ_ONLY: final(
    "This Postgres is a standby, which only reads.",
    "Name the primary in the address, or a name that always leads to it.",
  ),
  STORAGE_SERVER_TOO_OLD: final("The server's version of Postgres is too old.", "Use Postgres 13 or later."),
  STORAGE_SERVER_UNSUITED: final(
    "The database is set up in a way in which the storage would not work.",
    "The message says which setting, and how to change it.",
  ),
  STORAGE_TOO_NEW: final(
    "A later version of Trueup wrote the data file, in a format that this version cannot read.",
    "Use the later version, or name another file.",
  ),
  STORAGE_UNAVAILABLE: final(
    "The data file could not be opened, read or written.",
    "Check the path, its permissions and the disk; the details have the system's reason.",
  ),
  STORAGE_WENT_BACK: final(
    "The database has lost commits that this process knows, in a failover or by a restored backup.",
    "The process goes on with what is there now. To lose nothing in a failover, have a synchronous standby.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
