/**
 * One batch of background work each: the next documents of an index that is being built, documents to write
 * through, or keys to clear.
 */
import type { KeyRange } from "../../storage/storage.js";
import { isTrueupError } from "../../errors/index.js";
import { parseValue, prefixEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { catalogKeys } from "../catalog/key-layout.js";
import { changeIndexes } from "../catalog/edits.js";
import type { Database } from "../database.js";
import type { Document } from "../document.js";
import { decodeDocument, shapeOfText } from "../documents/stored-document.js";
import { tailOf } from "../transaction/base-view.js";
import { entryKey } from "../transaction/table-writes.js";
import type { TransactionState } from "../transaction/transaction.js";
import { endPreparation } from "../transforms/prepared-transforms.js";
import type { SettledTransform } from "../transforms/types.js";
import { laggingTables, readWriteThrough, writeThroughBatch } from "../transforms/write-through.js";
import { readProgress, type BuildProgress } from "./index-builds.js";

/** Small enough that a mutation waits but a few milliseconds for its turn. */
const buildBatchSize = 500;
const clearBatch = 2000;
const writeThroughBatchSize = 1000;

/** Adds entries for the next documents of some index; false when there is no index that can be built. */
export async function buildNextBatch(database: Database): Promise<boolean> {
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
export type Tried = Map<number, string>;

/**
 * Writes the next documents of some table through; false when there are none, or none that can be.
 * `settled` is told of transforms that retired, once they have.
 */
export async function writeThroughNextBatch(
  database: Database,
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
  const { storage } = state.base;
  const progress = await readProgress(state, index);
  const start = progress.cursor === "" ? table.documentsPrefix : `${progress.cursor}\x00`;
  const range: KeyRange = { start, end: prefixEnd(table.documentsPrefix) };
  const entries = await storage.scan(range, { limit });
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
export async function clearNextBatch(database: Database): Promise<boolean> {
  return await database.maintain(async (state) => {
    const { storage } = state.base;
    const marks = { start: catalogKeys.toClear, end: prefixEnd(catalogKeys.toClear) };
    const [mark] = await storage.scan(marks, { limit: 1 });
    if (mark === undefined) return false;
    const prefix = mark[0].slice(catalogKeys.toClear.length);
    const limit = database.backgroundBatch ?? clearBatch;
    const entries = await storage.scan({ start: prefix, end: prefixEnd(prefix) }, { limit });
    for (const [key] of entries) state.writeRecord(key, undefined);
    if (entries.length < limit) state.writeRecord(mark[0], undefined);
    return true;
  });
}
