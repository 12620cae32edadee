/** Everything a transaction wrote and read, as one request to the storage, and what the caches learn from it. */
import type { Add, CommitRequest, Stamp, Version, Write } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { catalogKeys, internalIdLength } from "../catalog/key-layout.js";
import { cachedSize, type CellWrite } from "./base-view.js";
import type { Caches } from "../documents/caches.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { Origin } from "../documents/versioned-cache.js";
import { addToCounts } from "../catalog/records.js";
import { StampMark } from "./stamps.js";
import { TouchedByTransaction } from "./touched.js";
import type { TransactionState } from "./transaction.js";

interface DocumentState {
  readonly idsKey: string;
  readonly stored: StoredDocument | null;
  readonly textLength: number;
}

export class CommitBatch {
  readonly #state: TransactionState;
  readonly #writes: Write[] = [];
  readonly #adds: Add[] = [];
  #stamps: readonly Stamp[] = [];
  /** Ids of documents with a timestamp that only the storage knows. */
  readonly #stamped = new Set<string>();
  readonly #documents: DocumentState[] = [];
  readonly #records: [key: string, text: string][] = [];
  readonly #cells: [key: string, write: CellWrite, textLength: number][] = [];

  private constructor(state: TransactionState) {
    this.#state = state;
  }

  /** O(writes). */
  static async collect(state: TransactionState): Promise<CommitBatch> {
    const batch = new CommitBatch(state);
    const waiting = documentsWaiting(state);
    const mark = waiting.length === 0 ? null : new StampMark();
    if (mark !== null) await batch.#mark(waiting, mark);
    batch.#collect();
    if (mark !== null) batch.#stamps = stampsIn(batch.#writes, mark);
    return batch;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0 && this.#adds.length === 0;
  }

  get request(): CommitRequest {
    const reads = this.#state.readSet;
    if (this.isEmpty) return { writes: [], reads };
    const touched = new TouchedByTransaction(this.#state);
    return {
      writes: this.#writes,
      adds: this.#adds,
      stamps: this.#stamps,
      reads,
      touched: () => touched,
    };
  }

  #collect(): void {
    const state = this.#state;
    for (const table of state.tables.values()) {
      for (const write of table.writes(this.#keep)) this.#writes.push(write);
      const { documentsDelta, bytesDelta } = table;
      if (documentsDelta !== 0 || bytesDelta !== 0) {
        this.#adds.push([table.table.countsKey, [documentsDelta, bytesDelta]]);
      }
    }
    for (const [key, value] of state.recordWrites) {
      this.#writes.push([key, value]);
      if (value !== undefined && key === catalogKeys.head) this.#records.push([key, value]);
    }
    for (const [key, write] of state.cellWrites) {
      const { cell, codec } = write;
      const text = cell === null ? undefined : codec.encode(cell.value);
      this.#writes.push([key, text]);
      this.#cells.push([key, write, text?.length ?? 0]);
    }
  }

  /** Puts the mark into the documents that wait for a timestamp, and with that into their index entries. */
  async #mark(waiting: readonly WaitingDocument[], mark: StampMark): Promise<void> {
    const state = this.#state;
    for (const { table, internalId, stored } of waiting) {
      // A write may end a preparation, and with that change the table.
      const current = state.catalog.tableById(table.id) ?? table;
      await state.write(current, internalId, stored, mark.fill(stored));
      this.#stamped.add(table.idsPrefix + internalId);
    }
  }

  /**
   * Tells the caches what is true for the transactions after this one. `end` has to follow.
   * @param knowsSums Nobody else adds to the counts meanwhile.
   */
  teach({ documents, records, cells }: Caches, origin: Origin, knowsSums: boolean): void {
    for (const { idsKey, stored, textLength } of this.#documents) {
      if (this.#stamped.has(idsKey)) documents.beginUnknown(idsKey);
      else documents.begin(idsKey, stored, cachedSize(textLength), origin, !this.#state.isWriteThrough);
    }
    for (const [key, by] of this.#adds) {
      if (knowsSums) records.beginSum(key, (text) => addToCounts(text, by), origin);
      else records.beginAdding(key);
    }
    for (const [key, text] of this.#records) records.begin(key, text, 0, origin, true);
    for (const [key, { cell, isKept }, textLength] of this.#cells) {
      cells.begin(key, cell, cachedSize(textLength), origin, isKept);
    }
  }

  /** Tells the caches what came of it. @param version Of the commit; null when it failed. */
  end({ documents, records, cells }: Caches, origin: Origin, version: Version | null): void {
    if (version !== null) origin.version = version;
    for (const { idsKey } of this.#documents) documents.end(idsKey, origin, version);
    for (const [key] of this.#adds) records.end(key, origin, version);
    for (const [key] of this.#records) records.end(key, origin, version);
    for (const [key] of this.#cells) cells.end(key, origin, version);
  }

  readonly #keep = (idsKey: string, stored: StoredDocument | null, textLength: number): void => {
    this.#documents.push({ idsKey, stored, textLength });
  };
}

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

/** O(bytes written). */
function stampsIn(writes: readonly Write[], mark: StampMark): Stamp[] {
  return writes.flatMap(([key, value], index) => [...mark.placesIn(index, key, value)]);
}
