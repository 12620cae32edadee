/**
 * Writes documents of older shapes anew in their table's shape, a batch at a time, in the order of creation. Nobody
 * sees a difference: no hook runs, no live query wakes, no index changes. Each batch records in its own commit how far it
 * came. After the last document, one more commit retires the transforms. Writes meanwhile store the newest shape
 * anyway. When another transform begins, the pass starts over.
 */
import { isTrueupError } from "../../errors/index.js";
import type { Entry } from "../../storage/storage.js";
import { encodeId, prefixEnd } from "../../values/index.js";
import type { TableEntry } from "../catalog/catalog.js";
import { catalogKeys, internalIdLength } from "../catalog/key-layout.js";
import { decodeDocument, shapeOfText } from "../documents/stored-document.js";
import type { TransactionState } from "../transaction/transaction.js";
import { editShapes } from "./prepared-transforms.js";
import { requestOf } from "./shapes.js";
import type { SettledTransform, TransformFailure, TransformStatus } from "./types.js";

const maxFailures = 20;

/** What the write-through of one table records with every batch. */
export interface WriteThroughProgress {
  /** The shape that it writes. */
  readonly shape: number;
  /** The key of the last document that it passed. */
  readonly cursor: string;
  readonly processed: number;
  readonly failed: number;
  readonly failures: readonly TransformFailure[];
  readonly isDone: boolean;
}

export async function readWriteThrough(
  state: TransactionState,
  table: TableEntry,
): Promise<WriteThroughProgress> {
  const text = await state.stored.get(catalogKeys.writeThrough(table.id));
  const progress = text === undefined ? undefined : (JSON.parse(text) as WriteThroughProgress);
  return progress?.shape === table.shape ? progress : beginning(table.shape);
}

/** The tables with documents that may lag. */
export function* laggingTables(state: TransactionState): Generator<TableEntry> {
  for (const component of state.catalog.components.values()) {
    for (const table of component.tables.values()) if (table.settledShape < table.shape) yield table;
  }
}

/**
 * Writes the next documents through.
 * @param batchMs The batch ends after about this time, so that a mutation waits no longer for it.
 * @returns the transforms that retire with this transaction: after them nothing of the table lags
 */
export async function writeThroughBatch(
  state: TransactionState,
  table: TableEntry,
  limit: number,
  batchMs: number,
): Promise<readonly SettledTransform[]> {
  const progress = await readWriteThrough(state, table);
  if (progress.isDone && progress.failed === 0) return retire(state, table);
  const from = progress.isDone ? beginning(table.shape) : progress;
  const start = from.cursor === "" ? table.documentsPrefix : `${from.cursor}\x00`;
  const range = { start, end: prefixEnd(table.documentsPrefix) };
  const entries = await state.stored.scan(range, { limit });
  state.isWriteThrough = true;
  const batch = new Batch(state, table, from);
  const isWhole = await batch.run(entries, batchMs);
  const next = batch.progress(isWhole && entries.length < limit);
  state.writeRecord(catalogKeys.writeThrough(table.id), JSON.stringify(next));
  return [];
}

class Batch {
  readonly #state: TransactionState;
  readonly #table: TableEntry;
  #cursor: string;
  #processed: number;
  #failed: number;
  readonly #failures: TransformFailure[];

  constructor(state: TransactionState, table: TableEntry, progress: WriteThroughProgress) {
    this.#state = state;
    this.#table = table;
    this.#cursor = progress.cursor;
    this.#processed = progress.processed;
    this.#failed = progress.failed;
    this.#failures = [...progress.failures];
  }

  /** False when time ran out before the last one. */
  async run(entries: readonly Entry[], batchMs: number): Promise<boolean> {
    const until = performance.now() + batchMs;
    for (const [at, [key, text]] of entries.entries()) {
      if (shapeOfText(text) < this.#table.shape) await this.#write(key, text);
      this.#processed++;
      this.#cursor = key;
      if (at % 16 === 15 && performance.now() > until) return at === entries.length - 1;
    }
    return true;
  }

  progress(isDone: boolean): WriteThroughProgress {
    return {
      shape: this.#table.shape,
      cursor: this.#cursor,
      processed: this.#processed,
      failed: this.#failed,
      failures: this.#failures,
      isDone,
    };
  }

  async #write(key: string, text: string): Promise<void> {
    const internalId = key.slice(-internalIdLength);
    try {
      const carried = this.#state.base.shapes.make(this.#table, decodeDocument(text), this.#table.shape);
      await this.#state.write(this.#table, internalId, carried, { ...carried, source: null });
    } catch (error) {
      if (!isTrueupError(error) || error.code !== "TRANSFORM_FAILED") throw error;
      this.#failed++;
      if (this.#failures.length < maxFailures) {
        const message = String(error.details["error"]);
        this.#failures.push({ id: encodeId(this.#table.number, internalId), message });
      }
    }
  }
}

function retire(state: TransactionState, table: TableEntry): readonly SettledTransform[] {
  const settled = table.transforms.filter((transform) => transform.shape <= table.shape);
  editShapes(state, table, {
    settledShape: table.shape,
    transforms: table.transforms.filter((transform) => transform.shape > table.shape),
  });
  const impure = state.base.shapes.impure(table).size;
  state.base.shapes.forgetImpure(table);
  return settled.map((transform) => ({ ...requestOf(table, transform), impure }));
}

function beginning(shape: number): WriteThroughProgress {
  return { shape, cursor: "", processed: 0, failed: 0, failures: [], isDone: false };
}

function misplaced(id: string): TransformFailure {
  return {
    id,
    message: "It made another document than before of the same one: it is no function of its document.",
  };
}

/** O(tables + transforms). */
export async function transformStatuses(state: TransactionState): Promise<TransformStatus[]> {
  const statuses: TransformStatus[] = [];
  for (const component of state.catalog.components.values()) {
    for (const table of component.tables.values()) {
      if (table.transforms.length === 0) continue;
      const { documents: total } = await state.counts(table);
      const { processed, failed, failures } = await readWriteThrough(state, table);
      const impure = state.base.shapes.impure(table);
      for (const transform of table.transforms) {
        const { failure, beganAtMs } = transform;
        const isPrepared = transform.shape > table.shape;
        const found = failure === null ? [] : [failure];
        statuses.push({
          ...requestOf(table, transform),
          state: isPrepared ? "prepared" : "lagging",
          beganAtMs,
          processed: isPrepared ? 0 : processed,
          total,
          failed: isPrepared ? found.length : failed,
          failures: isPrepared ? found : [...failures, ...[...impure].map(misplaced)].slice(0, maxFailures),
          impure: isPrepared ? 0 : impure.size,
          isLoaded: state.base.shapes.functionOf(table, transform) !== undefined,
        });
      }
    }
  }
  return statuses;
}
