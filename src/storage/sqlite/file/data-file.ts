/**
 * The data file: how it is told from other files, made, and opened. A file is made whole under another name and
 * then renamed, so one that exists is either ours and complete or not ours. What is not ours is found out
 * from its first bytes, before SQLite gets to see it; the caller holds the owner lock meanwhile.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { TrueupError } from "../../../errors/index.js";
import type { Version } from "../../storage.js";
import type { SqliteConnection, SqliteDriver } from "../driver/driver.js";
import { findLogDamage } from "../damage/log-damage.js";
import { createMeta, metaTable, prepareMetaRead, readMovedTo } from "./meta.js";
import { fileError, storageError } from "../storage-errors.js";
import { upgradeToSeals } from "./upgrade-format.js";

/** "Trup", in the field of the header by which SQLite files of different programs are told apart. */
const applicationId = 0x54727570;
/** Raised when older versions of Trueup could not read the file any more: 2 brought seals. */
const formatVersion = 2;

const entriesTable =
  "CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

/** The layout of a SQLite file's header: https://sqlite.org/fileformat2.html. */
const headerBytes = 100;
const magic = "SQLite format 3\0";
/** Which versions of SQLite may write and read the file: 1 means all, 2 those that know the log. Higher numbers are reserved. */
const accessOffsets = [18, 19] as const;
const formatOffset = 60;
const applicationIdOffset = 68;

/** An entry larger than a quarter of a page overflows into pages of its own: documents seldom exceed 2 kB. */
const pageBytes = 8192;
const busyTimeoutMs = 5000;
const mmapBytes = 1024 ** 3;
const writerCacheBytes = 64 * 1024 ** 2;
const readerCacheBytes = 16 * 1024 ** 2;
/** What stays of a log file that begins anew: twice of what it grows to when no snapshot holds it. */
const keptLogBytes = 40 * 1024 * 1000;

export interface PrepareSettings {
  readonly durability: "full" | "relaxed";
  readonly damagedLog: "refuse" | "cut";
  /** There was no lock file: whoever has the data file open may have had one that was deleted. */
  readonly isLockNew: boolean;
}

export interface WriterSettings {
  readonly durability: "full" | "relaxed";
  readonly maxSizeBytes: number | undefined;
}

/** Makes the folder that the file is to be in. */
export function makeFolderOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw error instanceof Error ? fileError(path, error) : error;
  }
}

/**
 * Makes sure that there is a data file of ours at the path: makes one where there is nothing or an empty file, and no log
 * either. One of an older format is upgraded.
 * @throws STORAGE_CORRUPT for a file that is not ours, whose header or log is damaged, or of which only the log is left,
 *   STORAGE_TOO_NEW for one of a later format, STORAGE_LOCKED when somebody has it open in spite of the lock; all of them
 *   untouched.
 */
export function prepareDataFile(driver: SqliteDriver, path: string, settings: PrepareSettings): void {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size === 0) {
      assertNoLog(path);
      createDataFile(driver, path, 0);
    } else prepareExisting(driver, path, settings);
  } catch (error) {
    throw fileError(path, storageError(driver, path, error));
  }
}

/** The log of a file that was moved away or cut off may have the only copy of commits, so only the user may delete it. */
function assertNoLog(path: string): void {
  const log = `${path}-wal`;
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  throw new TrueupError(
    "STORAGE_CORRUPT",
    `${path} is missing or empty, but its log ${log} is not: put the file back, or delete the log to begin with nothing.`,
    { path },
  );
}

function prepareExisting(driver: SqliteDriver, path: string, settings: PrepareSettings): void {
  const format = checkHeader(path);
  const damage = settings.damagedLog === "cut" ? null : findLogDamage(path, settings.durability);
  if (damage !== null) throw new TrueupError("STORAGE_CORRUPT", `Of ${path}, ${damage}.`, { path, damage });
  if (settings.isLockNew) assertNotOpen(driver, path);
  if (format < formatVersion) upgrade(driver, path);
}

/** Nobody can hold the file exclusively while another process has it open. */
function assertNotOpen(driver: SqliteDriver, path: string): void {
  const connection = driver.open(path, { busyTimeoutMs: 0 });
  try {
    connection.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK");
  } finally {
    connection.close();
  }
}

/** Makes a data file that holds nothing, as of a version. */
export function createDataFile(driver: SqliteDriver, path: string, version: Version): void {
  const unfinished = `${path}-new`;
  // A log without its data file would be replayed into the new one.
  for (const leftover of [unfinished, `${unfinished}-journal`, `${path}-wal`, `${path}-shm`]) {
    rmSync(leftover, { force: true });
  }
  createPrivateFile(unfinished);
  const connection = driver.open(unfinished, { busyTimeoutMs: 0 });
  try {
    connection.exec(`
      PRAGMA page_size = ${pageBytes};
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${formatVersion};
      BEGIN;
      ${entriesTable};
    `);
    createMeta(connection, { version, owner: process.pid });
    connection.exec("COMMIT");
  } finally {
    connection.close();
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

function upgrade(driver: SqliteDriver, path: string): void {
  const connection = open(driver, path, ["journal_mode = WAL", "synchronous = FULL"]);
  try {
    // The log may hold a later format than the file.
    const format = connection.prepareValue<number>("PRAGMA user_version")();
    if (format === 1) upgradeToSeals(connection, path);
  } finally {
    connection.close();
  }
}

/** The format of the file. */
function checkHeader(path: string): number {
  const header = Buffer.alloc(headerBytes);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, headerBytes, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString("latin1", 0, magic.length) !== magic) {
    throw new TrueupError("STORAGE_CORRUPT", `${path} is not a SQLite file.`, { path });
  }
  if (header.readUInt32BE(applicationIdOffset) !== applicationId) {
    throw new TrueupError("STORAGE_CORRUPT", `${path} is a SQLite file of another program.`, {
      path,
    });
  }
  const format = header.readUInt32BE(formatOffset);
  if (format > formatVersion) {
    throw new TrueupError("STORAGE_TOO_NEW", undefined, { path, format, supported: formatVersion });
  }
  if (format === 0 || accessOffsets.some((offset) => header[offset] !== 1 && header[offset] !== 2)) {
    throw new TrueupError("STORAGE_CORRUPT", `The header of ${path} is damaged.`, { path });
  }
  return format;
}

/** @throws STORAGE_CORRUPT when the tables are not declared as this file declares them: damage can change that too */
function checkTables(connection: SqliteConnection, path: string): void {
  const declared = connection.prepareColumn<string | null>("SELECT sql FROM sqlite_schema ORDER BY name")();
  if (declared.length === 2 && declared[0] === entriesTable && declared[1] === metaTable) return;
  throw new TrueupError("STORAGE_CORRUPT", `The tables of ${path} are not declared as they should be.`, {
    path,
  });
}

/** @throws STORAGE_MOVED */
export function assertNotMoved(connection: SqliteConnection, path: string): void {
  const to = readMovedTo(connection);
  if (to === null) return;
  throw new TrueupError("STORAGE_MOVED", `The data of ${path} was moved to ${to}, and goes on there.`, {
    path,
    to,
  });
}

/** A new name is on disk only when its folder is; systems that cannot sync a folder need not. */
export function syncFolder(folder: string): void {
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

/**
 * The connection that writes. There is one, in the process that holds the owner lock. A COMMIT of it does not wait for the disk,
 * and checkpoints are left to its user: SQLite flushes the log before each, and the data file before the log begins anew.
 */
export function openWriter(
  driver: SqliteDriver,
  path: string,
  { durability, maxSizeBytes }: WriterSettings,
): SqliteConnection {
  const connection = open(driver, path, [
    "journal_mode = WAL",
    ...flushSettings(durability),
    `journal_size_limit = ${keptLogBytes}`,
    `cache_size = -${writerCacheBytes / 1024}`,
    ...(maxSizeBytes === undefined
      ? []
      : [`max_page_count = ${Math.max(1, Math.floor(maxSizeBytes / pageBytes))}`]),
  ]);
  try {
    checkTables(connection, path);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** How a connection flushes that moves the log into the data file. It does so when it is told to only. */
export function flushSettings(durability: "full" | "relaxed"): string[] {
  return [
    "synchronous = NORMAL",
    // On macOS a plain fsync leaves data in the drive's cache.
    `fullfsync = ${durability === "full" ? "ON" : "OFF"}`,
    "wal_autocheckpoint = 0",
  ];
}

/** A connection for snapshots. */
export function openReader(driver: SqliteDriver, path: string): SqliteConnection {
  return open(driver, path, [`cache_size = -${readerCacheBytes / 1024}`, "query_only = ON"]);
}

/**
 * Moves what a killed process left in the log into the data file, so that what is read from now on is on disk: some of it may
 * be in the memory of the system only, and after a failed flush the system may even take it for written.
 */
export function carryOverLog(connection: SqliteConnection): void {
  try {
    connection.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    // On a full disk, for one: the log still has everything.
  }
}

/**
 * A connection that keeps SQLite from moving the log into the data file when the others are closed, and cannot do so itself:
 * for a log of which nobody knows what is on disk.
 */
export function openGuard(driver: SqliteDriver, path: string): SqliteConnection {
  const connection = driver.open(path, { readOnly: true, busyTimeoutMs: 0 });
  connection.prepareValue("SELECT count(*) FROM sqlite_schema")();
  return connection;
}

/** The process that opened the file last, if that can be told. */
export function readOwnerPid(driver: SqliteDriver, path: string): number | undefined {
  try {
    const connection = driver.open(path, { readOnly: true, busyTimeoutMs: 0 });
    try {
      return prepareMetaRead(connection, "owner")();
    } finally {
      connection.close();
    }
  } catch {
    return undefined;
  }
}

function open(driver: SqliteDriver, path: string, settings: readonly string[]): SqliteConnection {
  const connection = driver.open(path, { busyTimeoutMs: busyTimeoutMs });
  try {
    for (const setting of [`mmap_size = ${mmapBytes}`, "temp_store = MEMORY", ...settings]) {
      connection.exec(`PRAGMA ${setting}`);
    }
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * Makes an empty file that only its owner may read, whatever the umask, before SQLite does. SQLite gives the files beside a
 * data file the data file's mode.
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
