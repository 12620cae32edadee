/** Everything a transaction wrote, as one batch for the storage, and what the caches learn from it. */
import type { Write } from "../../storage/storage.js";
import { catalogKeys } from "../catalog/key-layout.js";
import type { Cell } from "../cells/cells.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { Origin } from "../documents/versioned-cache.js";
import { cachedSize, type Caches } from "./base-view.js";
import { resolveCommitTimestamps } from "./commit-timestamp.js";
import { formatCounts, type TableCounts } from "./counts.js";
import type { TransactionState } from "./transaction.js";

interface DocumentState {
  readonly idsKey: string;
  readonly stored: StoredDocument | null;
  readonly textLength: number;
}

export class CommitBatch {
  readonly writes: Write[] = [];
  readonly #documents: DocumentState[] = [];
  readonly #records: [key: string, text: string][] = [];
  readonly #cells: [key: string, cell: Cell, textLength: number][] = [];
  #isWriteThrough = false;

  /** O(writes); reads the counts of the tables written where they are not cached. */
  static async collect(state: TransactionState, clock: () => number): Promise<CommitBatch> {
    const batch = new CommitBatch();
    batch.#isWriteThrough = state.isWriteThrough;
    await resolveCommitTimestamps(state, clock);
    for (const table of state.tables()) {
      for (const write of table.writes(batch.#keep)) batch.writes.push(write);
      if (!table.changesCounts) continue;
      batch.#writeCounts(table.table.countsKey, await state.counts(table.table, true));
    }
    for (const [key, value] of state.catalogWrites()) {
      batch.writes.push([key, value]);
      if (value !== undefined && isCachedRecord(key)) batch.#records.push([key, value]);
    }
    for (const [key, write] of state.cellWrites()) {
      const text = write.encode();
      batch.writes.push([key, text]);
      batch.#cells.push([key, write.cell, text?.length ?? 0]);
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
    for (const [key, cell, textLength] of this.#cells) {
      caches.cells.write(key, cell, cachedSize(textLength), origin);
    }
  }

  readonly #keep = (idsKey: string, stored: StoredDocument | null, textLength: number): void => {
    this.#documents.push({ idsKey, stored, textLength });
  };

  #writeCounts(key: string, counts: TableCounts): void {
    const text = formatCounts(counts);
    this.writes.push([key, text]);
    this.#records.push([key, text]);
  }
}

/** Records that readers ask the cache for. */
function isCachedRecord(key: string): boolean {
  return key === catalogKeys.head || key === catalogKeys.commitTimestamp;
}
