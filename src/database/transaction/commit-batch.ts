/** Everything a transaction wrote and read, as one request to the storage, and what the caches learn from it. */
import type { Add, CommitRequest, Stamp, Write } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { catalogKeys, internalIdLength } from "../catalog/key-layout.js";
import { cachedSize, type Caches, type CellWrite } from "./base-view.js";
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

  /** Tells the caches what will be true once the batch is handed over. */
  teach(caches: Caches, origin: Origin): void {
    for (const { idsKey, stored, textLength } of this.#documents) {
      if (this.#stamped.has(idsKey)) caches.documents.drop(idsKey, origin);
      else {
        const tell = this.#state.isWriteThrough ? "rewrite" : "write";
        caches.documents[tell](idsKey, stored, cachedSize(textLength), origin);
      }
    }
    for (const [key, by] of this.#adds) {
      const known = caches.records.latest(key);
      caches.records.rewrite(key, known === undefined ? "" : addToCounts(known, by), 0, origin);
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
