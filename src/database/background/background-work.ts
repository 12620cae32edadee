/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them, documents
 * that lag behind a transform are written through, and what was dropped is cleared away. Each batch is a transaction that
 * also records how far it came, so work goes on after a crash where it stopped. Writes meanwhile maintain an index that is being
 * built, and a batch and a write that meet are serialized by the storage. Builds come first, and rest for nobody: deploys wait
 * for them. Of several processes that share a storage one does this, and all wait for what the data says.
 */
import { isTrueupError } from "../../errors/index.js";
import { assertHeld, pause, platformClock, WorkLoop, type Lease } from "../../work/index.js";
import { nextCommit } from "../next-commit.js";
import type { Upkeep } from "../upkeep.js";
import type { SettledTransform } from "../transforms/types.js";
import type { Entry, KeyRange } from "../../storage/storage.js";
import { parseValue, prefixEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { catalogKeys, entryKey } from "../catalog/key-layout.js";
import { changeIndexes } from "../catalog/edits.js";
import type { Document } from "../documents/document.js";
import { decodeDocument, shapeOfText } from "../documents/stored-document.js";
import { tailOf } from "../transaction/base-view.js";
import type { TransactionState } from "../transaction/transaction.js";
import { endPreparation } from "../transforms/prepared-transforms.js";
import { laggingTables, readWriteThrough, writeThroughBatch } from "../transforms/write-through.js";
import { type BuildProgress, readProgress } from "./index-builds.js";

const retryAfterMs = 50;
/** How long a batch of the write-through takes, alone and with others who may have to wait for it. */
const batchAloneMs = 8;
const batchAmongOthersMs = 3;
/** The longest pause after a batch of the write-through when there is live traffic. */
const maxRestMs = 50;

/** How often, at most and at least, it is looked whether work is done that another process may do. */
const betweenLooksMs = 5;
const maxSilenceMs = 1_000;

type Batch = "build" | "write through" | "clear" | "none";

export class BackgroundWork {
  readonly #database: Upkeep;
  readonly #loop: WorkLoop;
  #isDue = false;
  #begunBatches = 0;
  /** The number of the last batch that found no index to build. */
  #lastWithoutBuild = 0;
  #lastBatch: Batch = "none";
  readonly #tried: Tried = new Map();
  readonly #lease: Lease;
  readonly #listeners = new Set<(settled: SettledTransform) => void>();

  constructor(database: Upkeep) {
    this.#database = database;
    this.#lease = database.leases.lease("background", { isForAll: true });
    this.#loop = new WorkLoop(
      {
        nextAtMs: () => (this.#isDue ? 0 : Infinity),
        step: (isAlone) => this.#step(isAlone),
        retryAfterMs: (error) => this.#retryAfterMs(error),
        others: {
          count: () => database.begunTransactions,
          ownPerStep: 0,
          areWaiting: () => database.isAwaited,
          maxRestMs: () => (this.#lastBatch === "write through" ? maxRestMs : 0),
        },
      },
      { clock: platformClock, owner: this.#lease },
    );
    this.#loop.start();
  }

  /** Looks for work to do. */
  wake(): void {
    this.#isDue = true;
    this.#loop.wake();
  }

  /** Resolves when there is nothing left to do. Rejects with what made the work stop. */
  async whenIdle(): Promise<void> {
    if (this.#database.leases.isShared) return await this.#until(isIdle);
    await this.#loop.whenDone();
  }

  /**
   * Resolves when every index is built that can be, whatever else there is to do. Rejects with what made the
   * work stop.
   */
  async whenBuilt(): Promise<void> {
    if (this.#database.leases.isShared) return await this.#until(isBuilt);
    const since = this.#begunBatches;
    while (!this.#loop.isDone && this.#lastWithoutBuild <= since) await this.#loop.whenStepped();
    this.#loop.throwFailure();
  }

  /** Calls the listener when transforms have retired; returns how to stop. */
  onSettled(listener: (settled: SettledTransform) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when the batch under way has ended; no other one begins. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #step(isAlone: boolean): Promise<void> {
    const number = ++this.#begunBatches;
    // A commit that makes more work, from here on, says so by waking.
    this.#isDue = false;
    try {
      this.#lastBatch = await this.#runBatch(isAlone ? batchAloneMs : batchAmongOthersMs);
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
    if (this.#lastBatch !== "build") this.#lastWithoutBuild = number;
    if (this.#lastBatch !== "none") this.#isDue = true;
  }

  #retryAfterMs(error: unknown): number | null {
    return isTrueupError(error) && error.retryable ? retryAfterMs : null;
  }

  async #runBatch(writeThroughMs: number): Promise<Batch> {
    const database = this.#guarded;
    if (await buildNextBatch(database)) return "build";
    const wroteThrough = await writeThroughNextBatch(database, this.#tried, writeThroughMs, this.#settled);
    if (wroteThrough) return "write through";
    return (await clearNextBatch(database)) ? "clear" : "none";
  }

  /** Commits only while this process has the lease. */
  readonly #guarded: Batches = {
    size: (least) => this.#database.backgroundBatch ?? least,
    maintain: (run) =>
      this.#database.maintain(async (state) => {
        await assertHeld(this.#lease, { leaseEntry: (key) => state.stored.get(key) });
        return await run(state);
      }),
  };

  /** Resolves when the data says so, whichever process does the work, or when this one is stopped. */
  async #until(isSo: (state: TransactionState) => Promise<boolean>): Promise<void> {
    while (this.#loop.isOn) {
      const news = nextCommit(this.#database, maxSilenceMs, () => true, platformClock);
      if (await this.#database.inspect(isSo)) return;
      this.#loop.throwFailure();
      await news;
      await pause(betweenLooksMs);
    }
  }

  readonly #settled = (settled: SettledTransform): void => {
    for (const listener of this.#listeners) listener(settled);
  };
}

/** What batches run in. */
interface Batches {
  /** The most documents or keys of a batch, which is usually this many. */
  size(usual: number): number;
  maintain: Upkeep["maintain"];
}

/** The index to build next. */
function indexToBuild(state: TransactionState): { table: TableEntry; index: IndexEntry } | null {
  for (const { table, index } of state.catalog.indexes()) {
    if (index.state === "building" && state.base.shapes.isLoaded(table, index.shape)) return { table, index };
  }
  return null;
}

function isBuilt(state: TransactionState): Promise<boolean> {
  return Promise.resolve(indexToBuild(state) === null);
}

/** Nothing is left to do, but for documents that transforms fail on. */
async function isIdle(state: TransactionState): Promise<boolean> {
  if (indexToBuild(state) !== null) return false;
  for (const table of laggingTables(state)) {
    if (!state.base.shapes.isLoaded(table, table.shape)) continue;
    const { isDone, failed } = await readWriteThrough(state, table);
    if (!isDone || failed === 0) return false;
  }
  return (await nextMark(state)) === undefined;
}

/** Small enough that a mutation waits but a few milliseconds for its turn. */
const buildBatchSize = 500;
const clearBatch = 2000;
const writeThroughBatchSize = 1000;

/** Adds entries for the next documents of some index; false when there is no index that can be built. */
async function buildNextBatch(database: Batches): Promise<boolean> {
  return await database.maintain(async (state) => {
    const next = indexToBuild(state);
    if (next !== null) await buildBatch(state, next.table, next.index, database.size(buildBatchSize));
    return next !== null;
  });
}

/**
 * The shape that each table was last written through to, and with which functions: where that ended with failures,
 * it is tried again when one of them is another.
 */
type Tried = Map<number, string>;

/**
 * Writes the next documents of some table through; false when there are none, or none that can be.
 * `settled` is told of transforms that retired, once they have.
 */
async function writeThroughNextBatch(
  database: Batches,
  tried: Tried,
  batchMs: number,
  settled: (transform: SettledTransform) => void,
): Promise<boolean> {
  const outcome = await database.maintain(async (state) => {
    const { shapes } = state.base;
    for (const table of laggingTables(state)) {
      if (!shapes.isLoaded(table, table.shape)) continue;
      const attempt = `${shapes.generation},${table.shape}`;
      const { isDone, failed } = await readWriteThrough(state, table);
      if (isDone && failed > 0 && tried.get(table.id) === attempt) continue;
      const limit = database.size(writeThroughBatchSize);
      const retired = await writeThroughBatch(state, table, limit, batchMs);
      return { table, attempt, retired };
    }
    return null;
  });
  if (outcome === null) return false;
  tried.set(outcome.table.id, outcome.attempt);
  for (const transform of outcome.retired) settled(transform);
  return true;
}

async function buildBatch(
  state: TransactionState,
  table: TableEntry,
  index: IndexEntry,
  limit: number,
): Promise<void> {
  const progress = await readProgress(state.stored, index);
  const start = progress.cursor === "" ? table.documentsPrefix : `${progress.cursor}\x00`;
  const range: KeyRange = { start, end: prefixEnd(table.documentsPrefix) };
  const entries = await state.stored.scan(range, { limit });
  try {
    const keys = entries.map(([key, text]) => entryKeyOf(state, table, index, key, text));
    for (const key of keys) if (key !== null) state.writeRecord(key, "");
  } catch (error) {
    endPreparation(state, table, error);
    return;
  }
  const last = entries.at(-1);
  if (last === undefined || entries.length < limit) {
    state.writeRecord(catalogKeys.backfill(index.id), undefined);
    state.edit(changeIndexes(state.catalog, table, { replace: [{ ...index, state: "ready" }] }));
    return;
  }
  const next: BuildProgress = { cursor: last[0], processed: progress.processed + entries.length };
  state.writeRecord(catalogKeys.backfill(index.id), JSON.stringify(next));
}

/** Null for a document that a transform in force fails on: it cannot be read either. */
function entryKeyOf(
  state: TransactionState,
  table: TableEntry,
  index: IndexEntry,
  key: string,
  text: string,
): string | null {
  if (shapeOfText(text) === 0 && index.shape === 0) {
    return entryKey(index, parseValue(text) as Document, tailOf(key));
  }
  try {
    const { document } = state.base.shapes.at(table, decodeDocument(text), index.shape);
    return entryKey(index, document, tailOf(key));
  } catch (error) {
    const isInForce = index.shape === table.shape;
    if (isInForce && isTrueupError(error) && error.code === "TRANSFORM_FAILED") return null;
    throw error;
  }
}

/** Deletes the next keys of something dropped; false when there is nothing to clear. */
async function clearNextBatch(database: Batches): Promise<boolean> {
  return await database.maintain(async (state) => {
    const { stored } = state;
    const mark = await nextMark(state);
    if (mark === undefined) return false;
    const prefix = mark[0].slice(catalogKeys.toClear.length);
    const limit = database.size(clearBatch);
    const entries = await stored.scan({ start: prefix, end: prefixEnd(prefix) }, { limit });
    for (const [key] of entries) state.writeRecord(key, undefined);
    if (entries.length < limit) state.writeRecord(mark[0], undefined);
    return true;
  });
}

/** What says that something was dropped and has to be cleared. */
async function nextMark({ stored }: TransactionState): Promise<Entry | undefined> {
  const marks = { start: catalogKeys.toClear, end: prefixEnd(catalogKeys.toClear) };
  return (await stored.scan(marks, { limit: 1 }))[0];
}
