/**
 * Checks the data file of an app that does not run, or what several processes share, while they do. What keeps the app from
 * starting must not keep its data from being checked: what is too damaged for its code to be loaded is checked without it. Only
 * when a repair was asked for, the check of a file goes on without what a damaged log has lost.
 */
import { statSync } from "node:fs";
import { Database } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { LogSink } from "../functions/index.js";
import { rebuildSqlite, sqlite, type Rebuilt } from "../storage/sqlite/index.js";
import type { OpenStorage, Storage } from "../storage/storage.js";
import { checkStored, type CheckOptions, type CheckReport } from "./check.js";
import { openBackend } from "./open-backend.js";
import type { SharedStorage } from "./storage-address.js";

/** What the check of a data file has found. */
export interface FileCheckReport extends CheckReport {
  /** How the log was damaged; present when it had lost acknowledged commits, and a repair went on without them. */
  readonly lostLog?: string;
  /** What was carried over; present when a repair made a new file, because pages of the old one were damaged. */
  readonly rebuilt?: Rebuilt;
}

/** How `checkFile` goes about it. */
export interface FileCheckOptions extends CheckOptions {
  /** As in `OpenBackendOptions`. */
  readonly codeFolder?: string;
  /** As in `OpenBackendOptions`, but nowhere when it is left out. */
  readonly log?: "console" | "silent" | LogSink;
}

/**
 * Checks a data file that nobody has open, together with the app whose code was pushed to it. A repair rebuilds the file
 * when its pages are damaged, and goes on without what a damaged log has lost; the damaged file is kept. O(everything).
 * @param path The SQLite file.
 * @throws STORAGE_LOCKED when somebody has it open; STORAGE_UNAVAILABLE when there is no file; STORAGE_CORRUPT when it is
 * empty or cannot be opened,
 *   or, without `repair`, its log is damaged
 */
export async function checkFile(path: string, options: FileCheckOptions = {}): Promise<FileCheckReport> {
  const { repair = false } = options;
  assertSomething(path);
  const opened = await openForCheck(path, repair);
  const { lostLog } = opened;
  let { storage } = opened;
  let rebuilt: Rebuilt | undefined;
  if (repair) {
    const { damages } = (await storage.check?.()) ?? { damages: [] };
    if (damages.some(({ kind }) => kind === "page")) {
      await storage.close();
      rebuilt = await rebuildSqlite(path);
      storage = await sqlite(path)();
    }
  }
  const report = await checkOpened(storage, sqlite(path), options);
  return {
    ...report,
    ...(lostLog === undefined ? {} : { lostLog }),
    ...(rebuilt === undefined ? {} : { rebuilt }),
  };
}

/**
 * Checks data that several processes share, beside those that have it open. O(everything).
 * @throws STORAGE_UNAVAILABLE, STORAGE_CORRUPT, and what the storage throws
 */
export async function checkShared(
  { open }: SharedStorage,
  options: FileCheckOptions = {},
): Promise<FileCheckReport> {
  return await checkOpened(await open(), open, options);
}

/**
 * Asserts that there is something to check: opening would make a new file, with which nothing is wrong. Whoever opens a log
 * without its file is told by the storage. @throws STORAGE_UNAVAILABLE, STORAGE_CORRUPT
 */
function assertSomething(path: string): void {
  const [size, logSize] = [path, `${path}-wal`].map(
    (each) => statSync(each, { throwIfNoEntry: false })?.size,
  );
  if ((size ?? 0) > 0 || (logSize ?? 0) > 0) return;
  if (size === undefined) {
    throw new TrueupError("STORAGE_UNAVAILABLE", `There is no data file ${path}.`, { path });
  }
  throw new TrueupError("STORAGE_CORRUPT", `${path} is empty: whatever it held is lost.`, { path });
}

async function openForCheck(path: string, repair: boolean): Promise<{ storage: Storage; lostLog?: string }> {
  try {
    return { storage: await sqlite(path)() };
  } catch (error) {
    const damage = isTrueupError(error) ? error.details["damage"] : undefined;
    if (!repair || typeof damage !== "string") throw error;
    return { storage: await sqlite(path, { damagedLog: "cut" })(), lostLog: damage };
  }
}

/**
 * Checks it with the app, and closes the storage. Where damage keeps the app from starting, the data is checked without it;
 * what a repair has mended then may let it start after all.
 */
async function checkOpened(
  storage: Storage,
  open: OpenStorage,
  options: FileCheckOptions,
): Promise<CheckReport> {
  try {
    return await checkApp(storage, options);
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") throw error;
    const report = await checkWithoutApp(await open(), options, error);
    if (options.repair !== true || !report.data.differences.some(({ fixed }) => fixed)) return report;
    const { differences } = report.data;
    try {
      const second = await checkApp(await open(), options);
      const mended = differences.filter(({ fixed }) => fixed);
      return { ...second, data: { ...second.data, differences: [...mended, ...second.data.differences] } };
    } catch {
      return report;
    }
  }
}

async function checkApp(storage: Storage, options: FileCheckOptions): Promise<CheckReport> {
  const { codeFolder, log = "silent" } = options;
  const backend = await openBackend({
    storage: () => Promise.resolve(storage),
    runScheduled: false,
    log,
    ...(codeFolder === undefined ? {} : { codeFolder }),
  });
  try {
    return await backend.check(options);
  } finally {
    await backend.close();
  }
}

async function checkWithoutApp(
  storage: Storage,
  options: FileCheckOptions,
  reason: Error,
): Promise<CheckReport> {
  const database = await Database.open(storage);
  try {
    return await checkStored(database, reason, options);
  } finally {
    await database.close();
  }
}
