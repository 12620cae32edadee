/**
 * Everything a transaction wrote, as one batch for the storage, and what the caches learn from it. Documents that wait for the
 * timestamp of their commit get it here: above every timestamp given before, in nanoseconds since 1970.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import type { Write } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { catalogKeys, internalIdLength } from "../catalog/key-layout.js";
import { cachedSize, type Caches, type CellWrite } from "./base-view.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { Origin } from "../documents/versioned-cache.js";
import { formatCounts } from "../catalog/records.js";
import type { TransactionState } from "./transaction.js";
import { prepareDocument } from "../documents/prepare-document.js";

interface DocumentState {
  readonly idsKey: string;
  readonly stored: StoredDocument | null;
  readonly textLength: number;
}

export class CommitBatch {
  readonly writes: Write[] = [];
  readonly #documents: DocumentState[] = [];
  readonly #records: [key: string, text: string][] = [];
  readonly #cells: [key: string, write: CellWrite, textLength: number][] = [];
  #isWriteThrough = false;

  /** O(writes); reads the counts of the tables written where they are not cached. */
  static async collect(state: TransactionState, clock: () => number): Promise<CommitBatch> {
    const batch = new CommitBatch();
    batch.#isWriteThrough = state.isWriteThrough;
    const waiting = documentsWaiting(state);
    if (waiting.length > 0) await resolveCommitTimestamps(state, waiting, clock);
    for (const table of state.tables.values()) {
      for (const write of table.writes(batch.#keep)) batch.writes.push(write);
      if (table.documentsDelta === 0 && table.bytesDelta === 0) continue;
      const counting = state.counts(table.table);
      const text = formatCounts(counting instanceof Promise ? await counting : counting);
      const counts: [string, string] = [table.table.countsKey, text];
      batch.writes.push(counts);
      batch.#records.push(counts);
    }
    for (const [key, value] of state.recordWrites) {
      batch.writes.push([key, value]);
      if (value !== undefined && cachedRecords.has(key)) batch.#records.push([key, value]);
    }
    for (const [key, write] of state.cellWrites) {
      const { cell, codec } = write;
      const text = cell === null ? undefined : codec.encode(cell.value);
      batch.writes.push([key, text]);
      batch.#cells.push([key, write, text?.length ?? 0]);
    }
    return batch;
  }

  /** Tells the caches what will be true once the batch is handed over. */
  teach(caches: Caches, origin: Origin): void {
    for (const { idsKey, stored, textLength } of this.#documents) {
      const tell = this.#isWriteThrough ? "rewrite" : "write";
      caches.documents[tell](idsKey, stored, cachedSize(textLength), origin);
    }
    for (const [key, text] of this.#records) caches.records.write(key, text, 0, origin);
    for (const [key, { cell, isKept }, textLength] of this.#cells) {
      caches.cells[isKept ? "write" : "rewrite"](key, cell, cachedSize(textLength), origin);
    }
  }

  readonly #keep = (idsKey: string, stored: StoredDocument | null, textLength: number): void => {
    this.#documents.push({ idsKey, stored, textLength });
  };
}

/** Records beside the counts that readers ask the cache for. */
const cachedRecords: ReadonlySet<string> = new Set([catalogKeys.head, catalogKeys.commitTimestamp]);

const nsPerUs = 1000n;

/** A document that the transaction wrote and that waits for the timestamp of its commit. */
interface WaitingDocument {
  readonly table: TableEntry;
  readonly internalId: string;
  readonly stored: StoredDocument;
}

/** O(writes). */
function documentsWaiting(state: TransactionState): WaitingDocument[] {
  const waiting: WaitingDocument[] = [];
  for (const writes of state.tables.values()) {
    for (const [idsKey, { stored }] of writes.ids.entries()) {
      if (stored === null || !stored.awaitsCommit) continue;
      waiting.push({ table: writes.table, internalId: idsKey.slice(-internalIdLength), stored });
    }
  }
  return waiting;
}

/** Fills in the timestamp in the documents that wait for it. */
async function resolveCommitTimestamps(
  state: TransactionState,
  waiting: readonly WaitingDocument[],
  clock: () => number,
): Promise<void> {
  const timestamp = await nextTimestamp(state, clock);
  for (const { table, internalId, stored } of waiting) {
    // A write may end a preparation, and with that change the table.
    const current = state.catalog.tableById(table.id) ?? table;
    await state.write(current, internalId, stored, resolve(stored, timestamp));
  }
}

async function nextTimestamp(state: TransactionState, clock: () => number): Promise<bigint> {
  const last = await state.base.record(catalogKeys.commitTimestamp);
  const now = BigInt(Math.max(state.version + 1, Math.floor(clock() * 1000))) * nsPerUs;
  const after = last === undefined ? 0n : BigInt(last) + 1n;
  const timestamp = now > after ? now : after;
  state.writeRecord(catalogKeys.commitTimestamp, String(timestamp));
  return timestamp;
}

function resolve({ document, shape }: StoredDocument, timestamp: bigint): StoredDocument {
  const fields: Record<string, Value | undefined> = {};
  for (const [name, value] of Object.entries(document)) {
    if (value !== undefined && !name.startsWith("_")) fields[name] = fill(value, timestamp);
  }
  return prepareDocument(fields, document._id, document._creationTime, shape);
}

function fill(value: Value, timestamp: bigint): Value {
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  if (value instanceof CommitTsPlaceholder) return timestamp;
  if (Array.isArray(value)) return value.map((item) => fill(item, timestamp));
  const entries = Object.entries(value).map(([name, field]): [string, Value | undefined] => [
    name,
    field === undefined ? undefined : fill(field, timestamp),
  ]);
  return Object.fromEntries(entries);
}
