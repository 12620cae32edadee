/** One batch of background work each: the next documents of an index that is being built, or keys to clear. */
import type { KeyRange } from "../../storage/storage.js";
import { parseValue, prefixEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { catalogKeys } from "../catalog/key-layout.js";
import { changeIndexes } from "../catalog/edits.js";
import type { Database } from "../database.js";
import type { Document } from "../document.js";
import { tailOf } from "../transaction/base-view.js";
import { entryKey } from "../transaction/table-writes.js";
import type { TransactionState } from "../transaction/transaction.js";
import { readProgress, type BuildProgress } from "./index-builds.js";

/** Small enough that a mutation waits but a few milliseconds for its turn. */
const BUILD_BATCH = 500;
const CLEAR_BATCH = 2000;

/** Adds entries for the next documents of some index; false when there is no index to build. */
export async function buildNextBatch(database: Database): Promise<boolean> {
  return await database.maintain(async (state) => {
    for (const { table, index } of state.catalog.indexes()) {
      if (index.state !== "building") continue;
      await buildBatch(state, table, index);
      return true;
    }
    return false;
  });
}

async function buildBatch(state: TransactionState, table: TableEntry, index: IndexEntry): Promise<void> {
  const { storage } = state.base;
  const progress = await readProgress(state, index);
  const start = progress.cursor === "" ? table.documentsPrefix : `${progress.cursor}\x00`;
  const range: KeyRange = { start, end: prefixEnd(table.documentsPrefix) };
  const entries = await storage.scan(range, { limit: BUILD_BATCH });
  for (const [key, document] of entries) {
    state.writeRecord(entryKey(index, parseValue(document) as Document, tailOf(key)), "");
  }
  const last = entries.at(-1);
  if (last === undefined || entries.length < BUILD_BATCH) {
    state.writeRecord(catalogKeys.backfill(index.id), undefined);
    state.edit(changeIndexes(state.catalog, table, { replace: [{ ...index, state: "ready" }] }));
    return;
  }
  const next: BuildProgress = { cursor: last[0], processed: progress.processed + entries.length };
  state.writeRecord(catalogKeys.backfill(index.id), JSON.stringify(next));
}

/** Deletes the next keys of something dropped; false when there is nothing to clear. */
export async function clearNextBatch(database: Database): Promise<boolean> {
  return await database.maintain(async (state) => {
    const { storage } = state.base;
    const marks = { start: catalogKeys.toClear, end: prefixEnd(catalogKeys.toClear) };
    const [mark] = await storage.scan(marks, { limit: 1 });
    if (mark === undefined) return false;
    const prefix = mark[0].slice(catalogKeys.toClear.length);
    const entries = await storage.scan({ start: prefix, end: prefixEnd(prefix) }, { limit: CLEAR_BATCH });
    for (const [key] of entries) state.writeRecord(key, undefined);
    if (entries.length < CLEAR_BATCH) state.writeRecord(mark[0], undefined);
    return true;
  });
}
