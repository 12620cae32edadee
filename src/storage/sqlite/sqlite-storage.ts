/**
 * The storage in one SQLite file. Transactions run one after another on the connection that writes, and share
 * flushes of its log (`group-writer.ts`); snapshots read on connections of their own (`snapshot-pool.ts`); one process owns
 * the file at a time (`owner-lock.ts`). This file ties them together.
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CommitListeners } from "../commit-listeners.js";
import { SerialQueue } from "../serial-queue.js";
import type {
  Commit,
  MaybePromise,
  OpenStorage,
  Storage,
  StorageCapabilities,
  StorageCheck,
  StorageFigures,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../storage.js";
import { startLogMover } from "./checkpoint-worker.js";
import { Checkpoints } from "./checkpoints.js";
import { type CommitLog, type OpenLog, openLog } from "./file/commit-log.js";
import {
  assertNotMoved,
  carryOverLog,
  flushSettings,
  makeFolderOf,
  openGuard,
  openReader,
  openWriter,
  prepareDataFile,
  readOwnerPid,
  syncFolder,
} from "./file/data-file.js";
import { prepareMetaWrite } from "./file/meta.js";
import type { SqliteConnection, SqliteDriver } from "./driver/driver.js";
import { loadDriver } from "./driver/load-driver.js";
import { FlushPace, UnflushedPace } from "./flush-pace.js";
import { GroupWriter } from "./group-writer.js";
import { acquireOwnerLock, type OwnerLock } from "./file/owner-lock.js";
import { type Pin, SqliteSnapshot } from "./snapshots/pin.js";
import { OpenFiles } from "./file/open-files.js";
import { SnapshotPool } from "./snapshots/snapshot-pool.js";
import { SqliteTransaction } from "./sqlite-transaction.js";
import { fileError, storageError } from "./storage-errors.js";
import { checkPages, damageOf, survey } from "./damage/survey.js";

const defaultSnapshotMaxAgeMs = 30_000;
/** How often to look whether the files are in place where a commit takes a tenth of the time of a durable one. */
const relaxedLookMs = 5;

/** Options of a storage in an SQLite file. */
export interface SqliteOptions {
  /**
   * "full", the default: a commit is on disk when it is acknowledged. "relaxed": it is on disk soon after;
   * a crash of the process loses nothing, a crash of the machine the last commits, never parts of one.
   */
  readonly durability?: "full" | "relaxed";
  /** How long a snapshot may be held while newer commits exist: 30 seconds when left out. */
  readonly snapshotMaxAgeMs?: number;
  /** The data file grows no larger; a commit that needs more room fails with STORAGE_FULL. */
  readonly maxSizeBytes?: number;
  /**
   * "refuse", the default: a log that lost acknowledged commits to damage is STORAGE_CORRUPT. "cut": what lies before the
   * damage is taken, the rest is lost.
   */
  readonly damagedLog?: "refuse" | "cut";
  /** Milliseconds since 1970; `Date.now` when left out. */
  readonly clock?: () => number;
}

/**
 * A storage in the file at `path`, which is made, with its folder, when there is none. Beside it SQLite keeps
 * `-wal` and `-shm` while it is open, and `-lock` stays, empty.
 *
 * Opening it throws STORAGE_LOCKED while another process has it open, STORAGE_CORRUPT and STORAGE_TOO_NEW for a
 * file that is not one of this version's, STORAGE_DRIVER_MISSING, STORAGE_UNAVAILABLE, STORAGE_FULL.
 */
export function sqlite(path: string, options: SqliteOptions = {}): OpenStorage {
  const absolute = resolve(path);
  return async () => openSqlite(await loadDriver(), absolute, options);
}

/** Opens the storage with a given driver, and a log that is flushed in a given way. */
export function openSqlite(
  driver: SqliteDriver,
  path: string,
  options: SqliteOptions,
  openCommitLog: OpenLog = openLog,
): Storage {
  makeFolderOf(path);
  // The same lock by whatever link the file is reached.
  const file = existsSync(path) ? realpathSync(path) : path;
  const lock = acquireOwnerLock(driver, file, () => readOwnerPid(driver, file));
  try {
    const { durability = "full", damagedLog = "refuse" } = options;
    prepareDataFile(driver, file, { durability, damagedLog, isLockNew: lock.isNew });
  } catch (error) {
    lock.withdraw();
    throw error;
  }
  lock.hold();
  try {
    return new SqliteStorage(driver, file, lock, options, openCommitLog);
  } catch (error) {
    lock.release();
    throw fileError(file, storageError(driver, file, error));
  }
}

class SqliteStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    serialTransactions: true,
    persistent: true,
    shared: false,
  };
  readonly #path: string;
  readonly #lock: OwnerLock;
  readonly #connection: SqliteConnection;
  readonly #log: CommitLog;
  readonly #writer: GroupWriter;
  readonly #checkpoints: Checkpoints;
  readonly #files: OpenFiles;
  readonly #openReader: () => SqliteConnection;
  readonly #openGuard: () => SqliteConnection;
  readonly #snapshots: SnapshotPool;
  readonly #queue = new SerialQueue();
  readonly #listeners = new CommitListeners();
  readonly #translate: (error: unknown) => Error;
  #closing: Promise<void> | undefined;

  constructor(
    driver: SqliteDriver,
    path: string,
    lock: OwnerLock,
    options: SqliteOptions,
    openCommitLog: OpenLog,
  ) {
    const { durability = "full", maxSizeBytes } = options;
    this.#path = path;
    this.#lock = lock;
    this.#translate = (error) => storageError(driver, path, error);
    this.#connection = openWriter(driver, path, { durability, maxSizeBytes });
    let log: CommitLog | undefined;
    try {
      assertNotMoved(this.#connection, path);
      carryOverLog(this.#connection);
      // From here on there is a log.
      prepareMetaWrite(this.#connection, "owner")(process.pid);
      log = openCommitLog(path);
      this.#log = log;
      const pace = durability === "full" ? flushFirst(log, path) : new UnflushedPace();
      this.#writer = new GroupWriter(this.#connection, log, pace, {
        clock: options.clock ?? Date.now,
        translate: this.#translate,
        isDiskBusy: () => this.#checkpoints.isRunning,
        beforeWrites: () => this.#snapshots.beforeWrites(),
        beforeCommit: (isFlushedBeside) => {
          this.#files.assertInPlace();
          this.#checkpoints.assertMayGrow();
          this.#snapshots.beforeCommit(isFlushedBeside);
        },
        onDurable: (commits) => this.#announce(commits),
      });
      this.#checkpoints = new Checkpoints(log, {
        startMover: async () => {
          this.#files.assertInPlace();
          return await startLogMover(driver, path, flushSettings(durability));
        },
        moveNow: () => carryOverLog(this.#connection),
        inTurn: (run) => this.#inTurn(run),
        endOldSnapshots: () => this.#snapshots.endOutdated(),
      });
      this.#files = new OpenFiles(
        [path, `${path}-wal`, lock.path],
        durability === "full" ? 0 : relaxedLookMs,
      );
      this.#openReader = () => {
        this.#files.assertInPlace();
        return openReader(driver, path);
      };
      this.#openGuard = () => openGuard(driver, path);
      this.#snapshots = new SnapshotPool(
        this.#writer,
        this.#openReader,
        options.snapshotMaxAgeMs ?? defaultSnapshotMaxAgeMs,
      );
    } catch (error) {
      this.#connection.close();
      log?.close();
      throw error;
    }
  }

  get version(): Version {
    return this.#writer.durableVersion;
  }

  latest(): Version {
    return this.version;
  }

  reached(): void {}

  snapshot(): MaybePromise<StorageSnapshot> {
    try {
      const pin = this.#snapshots.acquire();
      if (pin instanceof Promise) return pin.then((later) => this.#snapshotOf(later));
      return this.#snapshotOf(pin);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async begin(): Promise<StorageTransaction> {
    await this.#queue.enter();
    return new SqliteTransaction(this.#writer, {
      endTurn: () => this.#endTurn(),
      translate: this.#translate,
    });
  }

  get hasWaiting(): boolean {
    return this.#queue.hasWaiting;
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#listeners.add(listener);
  }

  figures(): StorageFigures {
    const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return {
      ...this.#writer.flushFigures,
      dataBytes: sizeOf(this.#path),
      logBytes: sizeOf(`${this.#path}-wal`),
    };
  }

  /** Through a connection of its own; the event loop turns between batches of entries, not while SQLite checks its pages. */
  async check(onEntries: (entries: number) => void = () => {}): Promise<StorageCheck> {
    const connection = this.#openReader();
    try {
      connection.exec("BEGIN");
      const damages = checkPages(connection);
      let entries = 0;
      for (const found of survey(connection)) {
        if ("reason" in found) {
          damages.push(damageOf(found));
          continue;
        }
        entries += found.length;
        damages.push(...found.filter(({ isWhole }) => !isWhole).map(damageOf));
        onEntries(entries);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
      return { entries, damages };
    } catch (error) {
      throw this.#translate(error);
    } finally {
      connection.close();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #snapshotOf(pin: Pin): StorageSnapshot {
    return new SqliteSnapshot(pin, {
      release: (released) => this.#snapshots.release(released),
      translate: this.#translate,
    });
  }

  #endTurn(): void {
    this.#writer.handOver(this.#queue.hasWaiting);
    this.#queue.leave();
  }

  #announce(commits: readonly Commit[]): void {
    if (commits.length === 0) return;
    this.#snapshots.afterCommit();
    for (const commit of commits) this.#listeners.notify(commit);
    this.#checkpoints.consider();
  }

  /** While nobody writes, everything is on disk, and no reads of this connection keep the log from beginning anew. */
  async #inTurn(run: () => Promise<void>): Promise<void> {
    await this.#queue.enter();
    try {
      await this.#writer.finish();
      this.#writer.assertNotStopped();
      this.#writer.endReading();
      this.#snapshots.letGoUnread();
      await run();
      this.#writer.endReading();
    } finally {
      this.#queue.leave();
    }
  }

  /**
   * SQLite moves the log into the data file and removes it when the last connection closes, which must not be done with a log
   * that could not be flushed: what it has is read anew, and checked, when it is opened again.
   */
  async #close(): Promise<void> {
    await this.#queue.close();
    await this.#checkpoints.close();
    await this.#writer.finish();
    const guard = this.#writer.isStopped ? this.#openGuard() : undefined;
    this.#snapshots.close();
    this.#connection.close();
    guard?.close();
    this.#log.close();
    this.#lock.release();
  }
}

/** Makes durable whatever the log holds already, its own name included, and finds out how long a flush takes. */
function flushFirst(log: CommitLog, path: string): FlushPace {
  const startedMs = performance.now();
  log.flushNow();
  const tookMs = performance.now() - startedMs;
  syncFolder(dirname(path));
  return new FlushPace(tookMs);
}
