/**
 * The data file: how it is told from other files, made, and opened. A file is made whole under another name and
 * then renamed, so one that exists is either ours and complete or not ours. What is not ours is found out
 * from its first bytes, before SQLite gets to see it; the caller holds the owner lock meanwhile.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { TrueupError } from "../../errors/index.js";
import type { SqliteConnection, SqliteDriver } from "./driver.js";
import { fileError, storageError } from "./storage-errors.js";

/** "Trup", in the field of the header by which SQLite files of different programs are told apart. */
const APPLICATION_ID = 0x54727570;
/** Raised when older versions of Trueup could not read the file any more. */
const FORMAT = 1;

/** The layout of a SQLite file's header: https://sqlite.org/fileformat2.html. */
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const FORMAT_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;

/** An entry larger than a quarter of a page overflows into pages of its own: documents seldom exceed 2 kB. */
const PAGE_BYTES = 8192;
const BUSY_TIMEOUT_MS = 5000;
const MMAP_BYTES = 1024 ** 3;
const WRITER_CACHE_BYTES = 64 * 1024 ** 2;
const READER_CACHE_BYTES = 16 * 1024 ** 2;
/** A checkpoint after so many pages of log, 20 MB: rarer ones make commits faster, and reads slower until then. */
const CHECKPOINT_PAGES = 2500;

export interface WriterSettings {
  readonly durability: "full" | "relaxed";
  readonly maxSizeBytes: number | undefined;
}

/** Makes the folder that the file is to be in. */
export function makeFolderOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw error instanceof Error ? fileError(path, error) : error;
  }
}

/**
 * Makes sure that there is a data file of ours at the path: makes one where there is nothing or an empty file.
 * @throws STORAGE_CORRUPT for a file that is not ours, STORAGE_TOO_NEW for one of a later format; both untouched.
 */
export function prepareDataFile(driver: SqliteDriver, path: string): void {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size === 0) createDataFile(driver, path);
    else checkHeader(path);
  } catch (error) {
    throw error instanceof TrueupError ? error : fileError(path, storageError(driver, path, error));
  }
}

function createDataFile(driver: SqliteDriver, path: string): void {
  const unfinished = `${path}-new`;
  // A log without its data file would be replayed into the new one.
  for (const leftover of [unfinished, `${unfinished}-journal`, `${path}-wal`, `${path}-shm`]) {
    rmSync(leftover, { force: true });
  }
  const connection = driver.open(unfinished, { busyTimeoutMs: 0 });
  try {
    connection.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${FORMAT};
      BEGIN;
      CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      INSERT INTO meta VALUES ('version', 0);
      INSERT INTO meta VALUES ('owner', ${process.pid});
      COMMIT;
    `);
  } finally {
    connection.close();
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

function checkHeader(path: string): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new TrueupError("STORAGE_CORRUPT", `${path} is not a SQLite file.`, { path });
  }
  if (header.readUInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw new TrueupError("STORAGE_CORRUPT", `${path} is a SQLite file of another program.`, {
      path,
    });
  }
  const format = header.readUInt32BE(FORMAT_OFFSET);
  if (format > FORMAT) {
    throw new TrueupError("STORAGE_TOO_NEW", undefined, { path, format, supported: FORMAT });
  }
}

/** A rename is on disk only when its folder is; systems that cannot sync a folder need not. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows refuses to open folders, and keeps renames in its journal.
  }
}

/** The connection that writes. There is one, in the process that holds the owner lock. */
export function openWriter(
  driver: SqliteDriver,
  path: string,
  { durability, maxSizeBytes }: WriterSettings,
): SqliteConnection {
  return open(driver, path, [
    "journal_mode = WAL",
    `synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`,
    // On macOS a plain fsync leaves data in the drive's cache.
    `fullfsync = ${durability === "full" ? "ON" : "OFF"}`,
    `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    `journal_size_limit = ${2 * CHECKPOINT_PAGES * PAGE_BYTES}`,
    `cache_size = -${WRITER_CACHE_BYTES / 1024}`,
    ...(maxSizeBytes === undefined
      ? []
      : [`max_page_count = ${Math.max(1, Math.floor(maxSizeBytes / PAGE_BYTES))}`]),
  ]);
}

/** A connection for snapshots. */
export function openReader(driver: SqliteDriver, path: string): SqliteConnection {
  return open(driver, path, [`cache_size = -${READER_CACHE_BYTES / 1024}`, "query_only = ON"]);
}

/** The process that opened the file last, if that can be told. */
export function readOwnerPid(driver: SqliteDriver, path: string): number | undefined {
  try {
    const connection = driver.open(path, { readOnly: true, busyTimeoutMs: 0 });
    try {
      return connection.prepareValue<number>("SELECT value FROM meta WHERE name = 'owner'")();
    } finally {
      connection.close();
    }
  } catch {
    return undefined;
  }
}

function open(driver: SqliteDriver, path: string, settings: readonly string[]): SqliteConnection {
  const connection = driver.open(path, { busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    for (const setting of [`mmap_size = ${MMAP_BYTES}`, "temp_store = MEMORY", ...settings]) {
      connection.exec(`PRAGMA ${setting}`);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
