/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them, documents
 * that lag behind a transform are written through, and what was dropped is cleared away. Each batch is a transaction that
 * also records how far it came, so work goes on after a crash where it stopped. Writes meanwhile maintain an index that is being
 * built, and a batch and a write that meet are serialized by the storage. Builds come first, and rest for nobody: deploys wait
 * for them.
 */
import { isTrueupError } from "../../errors/index.js";
import { platformClock, WorkLoop } from "../../work/index.js";
import type { Upkeep } from "../upkeep.js";
import type { SettledTransform } from "../transforms/types.js";
import type { KeyRange } from "../../storage/storage.js";
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
  readonly #listeners = new Set<(settled: SettledTransform) => void>();

  constructor(database: Upkeep) {
    this.#database = database;
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
      { clock: platformClock },
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
    await this.#loop.whenDone();
  }

  /**
   * Resolves when every index is built that can be, whatever else there is to do. Rejects with what made the
   * work stop.
   */
  async whenBuilt(): Promise<void> {
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
    this.#lastBatch = await this.#runBatch(isAlone ? batchAloneMs : batchAmongOthersMs);
    if (this.#lastBatch !== "build") this.#lastWithoutBuild = number;
    if (this.#lastBatch !== "none") this.#isDue = true;
  }

  #retryAfterMs(error: unknown): number | null {
    this.#isDue = true;
    return isTrueupError(error) && error.retryable ? retryAfterMs : null;
  }

  async #runBatch(writeThroughMs: number): Promise<Batch> {
    const database = this.#database;
    if (await buildNextBatch(database)) return "build";
    const wroteThrough = await writeThroughNextBatch(database, this.#tried, writeThroughMs, this.#settled);
    if (wroteThrough) return "write through";
    return (await clearNextBatch(database)) ? "clear" : "none";
  }

  readonly #settled = (settled: SettledTransform): void => {
    for (const listener of this.#listeners) listener(settled);
  };
}

/** Small enough that a mutation waits but a few milliseconds for its turn. */
const buildBatchSize = 500;
const clearBatch = 2000;
const writeThroughBatchSize = 1000;

/** Adds entries for the next documents of some index; false when there is no index that can be built. */
async function buildNextBatch(database: Upkeep): Promise<boolean> {
  return await database.maintain(async (state) => {
    for (const { table, index } of state.catalog.indexes()) {
      if (index.state !== "building") continue;
      if (!state.base.shapes.isLoaded(table, index.shape)) continue;
      await buildBatch(state, table, index, database.backgroundBatch ?? buildBatchSize);
      return true;
    }
    return false;
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
  database: Upkeep,
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
      const limit = database.backgroundBatch ?? writeThroughBatchSize;
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
async function clearNextBatch(database: Upkeep): Promise<boolean> {
  return await database.maintain(async (state) => {
    const { stored } = state;
    const marks = { start: catalogKeys.toClear, end: prefixEnd(catalogKeys.toClear) };
    const [mark] = await stored.scan(marks, { limit: 1 });
    if (mark === undefined) return false;
    const prefix = mark[0].slice(catalogKeys.toClear.length);
    const limit = database.backgroundBatch ?? clearBatch;
    const entries = await stored.scan({ start: prefix, end: prefixEnd(prefix) }, { limit });
    for (const [key] of entries) state.writeRecord(key, undefined);
    if (entries.length < limit) state.writeRecord(mark[0], undefined);
    return true;
  });
}
