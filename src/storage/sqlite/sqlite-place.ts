/** A data file as the place that data is moved from, or to. */
import {
  existsSync,
  fsyncSync,
  openSync,
  closeSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { TrueupError } from "../../errors/index.js";
import type { DataFill, DataPlace, HeldData } from "../place.js";
import type { Entry, Version } from "../storage.js";
import { seal } from "./damage/seal.js";
import type { SqliteConnection, SqliteDriver } from "./driver/driver.js";
import { loadDriver } from "./driver/load-driver.js";
import { EntryReader } from "./entry-reader.js";
import {
  carryOverLog,
  createDataFile,
  makeFolderOf,
  openWriter,
  prepareDataFile,
  readOwnerPid,
  syncFolder,
} from "./file/data-file.js";
import { prepareMetaRead, readMovedTo, writeMovedTo } from "./file/meta.js";
import { acquireOwnerLock, type OwnerLock } from "./file/owner-lock.js";
import { fileError, storageError } from "./storage-errors.js";

const batchEntries = 1000;

/** The data file at a path. */
export function sqlitePlace(path: string): DataPlace {
  const absolute = resolve(path);
  return {
    name: absolute,
    async hold() {
      if ((statSync(absolute, { throwIfNoEntry: false })?.size ?? 0) === 0) return null;
      return holdFile(await loadDriver(), realpathSync(absolute));
    },
    async fill(version) {
      return fillFile(await loadDriver(), absolute, version);
    },
  };
}

/** Closes and unlocks whatever happens, and says what went wrong in the storage's words. */
async function* readAll(
  connection: SqliteConnection,
  translate: (error: unknown) => Error,
): AsyncGenerator<readonly Entry[]> {
  try {
    const reader = new EntryReader(connection);
    let start = "";
    for (;;) {
      const entries = reader.scan({ start }, { limit: batchEntries });
      if (entries.length === 0) return;
      yield entries;
      start = `${entries.at(-1)?.[0] ?? ""}\x00`;
    }
  } catch (error) {
    throw translate(error);
  }
}

function holdFile(driver: SqliteDriver, path: string): HeldData {
  const lock = acquireOwnerLock(driver, path, () => readOwnerPid(driver, path));
  const translate = (error: unknown): Error => fileError(path, storageError(driver, path, error));
  let connection: SqliteConnection;
  try {
    prepareDataFile(driver, path, { durability: "full", damagedLog: "refuse", isLockNew: lock.isNew });
    lock.hold();
    connection = openWriter(driver, path, { durability: "full", maxSizeBytes: undefined });
  } catch (error) {
    lock.release();
    throw translate(error);
  }
  const letGo = (): void => {
    connection.close();
    lock.release();
  };
  try {
    carryOverLog(connection);
    return {
      version: prepareMetaRead(connection, "version")(),
      movedTo: readMovedTo(connection),
      entries: () => readAll(connection, translate),
      async markMoved(to) {
        try {
          connection.exec("PRAGMA synchronous = FULL; BEGIN");
          writeMovedTo(connection, to);
          connection.exec("COMMIT");
        } catch (error) {
          throw translate(error);
        }
      },
      async remove() {
        connection.close();
        removeFile(path);
        lock.release();
      },
      async letGo() {
        letGo();
      },
    };
  } catch (error) {
    letGo();
    throw translate(error);
  }
}

function removeFile(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  syncFolder(dirname(path));
}

/** The file is made under another name, and gets its own when it is whole and on disk. */
function fillFile(driver: SqliteDriver, path: string, version: Version): DataFill {
  makeFolderOf(path);
  const lock = acquireOwnerLock(driver, path, () => undefined);
  const unfinished = `${path}-moving`;
  const translate = (error: unknown): Error => fileError(path, storageError(driver, path, error));
  try {
    assertNothingAt(path);
    rmSync(`${unfinished}-journal`, { force: true });
    rmSync(unfinished, { force: true });
    createDataFile(driver, unfinished, version);
    return new FileFill(driver.open(unfinished, { busyTimeoutMs: 0 }), { path, unfinished, lock, translate });
  } catch (error) {
    lock.withdraw();
    throw translate(error);
  }
}

function assertNothingAt(path: string): void {
  for (const file of [path, `${path}-wal`]) {
    if (!existsSync(file) || statSync(file).size === 0) continue;
    throw new TrueupError("STORAGE_NOT_EMPTY", `There is a file ${file} already.`, { path });
  }
}

interface FillPlace {
  readonly path: string;
  readonly unfinished: string;
  readonly lock: OwnerLock;
  readonly translate: (error: unknown) => Error;
}

class FileFill implements DataFill {
  readonly #connection: SqliteConnection;
  readonly #insert: (key: string, value: string) => void;
  readonly #place: FillPlace;

  constructor(connection: SqliteConnection, place: FillPlace) {
    this.#connection = connection;
    this.#place = place;
    // Nobody sees the file before it is flushed as a whole.
    connection.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF");
    this.#insert = connection.prepareRun("INSERT INTO entries VALUES (?, ?)");
  }

  async add(entries: readonly Entry[]): Promise<void> {
    try {
      this.#connection.exec("BEGIN");
      for (const [key, value] of entries) this.#insert(key, seal(key, value));
      this.#connection.exec("COMMIT");
    } catch (error) {
      throw this.#place.translate(error);
    }
  }

  entries(): AsyncIterable<readonly Entry[]> {
    return readAll(this.#connection, this.#place.translate);
  }

  async finish(): Promise<void> {
    const { path, unfinished, lock, translate } = this.#place;
    try {
      this.#connection.close();
      const file = openSync(unfinished, "r+");
      try {
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(unfinished, path);
      syncFolder(dirname(path));
    } catch (error) {
      throw translate(error);
    } finally {
      lock.release();
    }
  }

  async abandon(): Promise<void> {
    const { unfinished, lock } = this.#place;
    try {
      this.#connection.close();
    } catch {
      // It was closed before what went wrong.
    }
    rmSync(unfinished, { force: true });
    lock.withdraw();
  }
}
