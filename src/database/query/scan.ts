/**
 * Walks a range of keys in the transaction's state: what the storage has, with the transaction's own writes laid
 * over it. Storage is read in batches that grow; the overlay is looked up at every step, so that a scan sees the
 * writes made while it runs, where they lie ahead of it. Documents of ids and index entries are fetched a
 * batch at a time.
 */
import type { Entry, MaybePromise } from "../../storage/storage.js";
import { documentTail, entryKey, internalIdLength } from "../catalog/key-layout.js";
import type { StoredDocument } from "../documents/stored-document.js";
import { tailOf, type BaseView } from "../transaction/base-view.js";
import type { Overlay } from "../transaction/overlay.js";
import type { Coverage, ReadSet } from "../transaction/read-set.js";
import type { TableWrites } from "../transaction/table-writes.js";
import type { Usage } from "../transaction/limits.js";
import type { ScanPlan } from "./plan-query.js";

/** What a scan reads from. */
export interface ScanState {
  readonly base: BaseView;
  /** The transaction's writes to a table, if there are any and they are to be seen. */
  writesTo(tableId: number): TableWrites | undefined;
  readonly usage: Usage;
  /** Null where reads are not to be remembered. */
  readonly readSet: ReadSet | null;
}

interface BatchItem {
  readonly key: string;
  /** The document's text, or the document where it was known already. */
  readonly found: string | StoredDocument;
}

const maxBatch = 1024;
const growth = 4;
/** Documents of longer scans are not kept in the cache: they would push out what is asked for again. */
const maxKept = 256;

export class Scan {
  readonly #state: ScanState;
  readonly #plan: ScanPlan;
  readonly #coverage: Coverage;
  #batch: BatchItem[] = [];
  #at = 0;
  #batchSize: number;
  #fetched = 0;
  /** Where the storage is to be read on: a start, or an end when in reverse. */
  #resumeAt: string;
  #isExhausted = false;

  /** @param firstBatch How many rows to read at first. */
  constructor(state: ScanState, plan: ScanPlan, firstBatch: number) {
    this.#state = state;
    this.#plan = plan;
    this.#batchSize = Math.max(1, Math.min(firstBatch, maxBatch));
    const { start, end, isReverse, isOwn } = plan;
    this.#resumeAt = isReverse ? end : start;
    this.#isExhausted = start >= end || isOwn;
    this.#coverage = { start, end, isReverse, last: null, isComplete: this.#isExhausted };
    if (!isOwn) state.readSet?.addCoverage(this.#coverage);
  }

  /** The key of the document that `next` returned last. */
  get lastKey(): string | null {
    return this.#coverage.last;
  }

  /** The next document, counted as read; null at the end. @throws TRANSACTION_LIMIT */
  next(): MaybePromise<StoredDocument | null> {
    for (;;) {
      const writes = this.#state.writesTo(this.#plan.table.id);
      const overlay = writes === undefined ? undefined : this.#overlay(writes);
      this.#skipOverwritten(overlay);
      if (this.#at === this.#batch.length && !this.#isExhausted) {
        const fetching = this.#fetch();
        if (fetching !== undefined) return fetching.then(() => this.next());
        continue;
      }
      const item = this.#batch[this.#at];
      const own = overlay === undefined ? undefined : this.#nextOwn(overlay);
      if (item === undefined && own === undefined) {
        this.#coverage.isComplete = true;
        return null;
      }
      if (item === undefined || (own !== undefined && this.#isBefore(own, item.key))) {
        return this.#take(own ?? "", this.#ownDocument(own ?? "", writes));
      }
      this.#at++;
      return this.#take(item.key, this.#documentOf(item, writes));
    }
  }

  /** Whether nothing is left, without reading a document. The read set covers what the answer depends on. */
  isAtEnd(): MaybePromise<boolean> {
    for (;;) {
      const writes = this.#state.writesTo(this.#plan.table.id);
      const overlay = writes === undefined ? undefined : this.#overlay(writes);
      this.#skipOverwritten(overlay);
      const next = this.#batch[this.#at];
      if (next !== undefined) {
        this.#state.readSet?.addKey(next.key);
        return false;
      }
      if (overlay !== undefined && this.#nextOwn(overlay) !== undefined) return false;
      if (this.#isExhausted) {
        this.#coverage.isComplete = true;
        return true;
      }
      const fetching = this.#fetch();
      if (fetching !== undefined) return fetching.then(() => this.isAtEnd());
    }
  }

  /** Lets go of what was read ahead. */
  close(): void {
    this.#batch = [];
    this.#at = 0;
  }

  #take(key: string, stored: StoredDocument): StoredDocument {
    this.#coverage.last = key;
    this.#state.usage.countRead(stored.sizeBytes);
    return stored;
  }

  #isBefore(a: string, b: string): boolean {
    return this.#plan.isReverse ? a > b : a < b;
  }

  #overlay(writes: TableWrites): Overlay<unknown> | undefined {
    const { space } = this.#plan;
    if (space.kind === "index") return writes.entries(space.index);
    return space.kind === "ids" ? writes.ids : writes.documents;
  }

  #skipOverwritten(overlay: Overlay<unknown> | undefined): void {
    if (overlay === undefined || overlay.size === 0) return;
    for (;;) {
      const item = this.#batch[this.#at];
      if (item === undefined || overlay.get(item.key) === undefined) return;
      this.#at++;
    }
  }

  /** The next key that the transaction itself has written and not deleted. */
  #nextOwn(overlay: Overlay<unknown>): string | undefined {
    if (overlay.size === 0) return undefined;
    const { start, end, isReverse } = this.#plan;
    const { last } = this.#coverage;
    let found: [string, unknown] | undefined;
    if (isReverse) found = overlay.before(last ?? end);
    else found = last === null ? overlay.atOrAfter(start) : overlay.after(last);
    while (found !== undefined) {
      const [key, write] = found;
      if (isReverse ? key < start : key >= end) return undefined;
      if (isPresent(write)) return key;
      found = isReverse ? overlay.before(key) : overlay.after(key);
    }
    return undefined;
  }

  #ownDocument(key: string, writes: TableWrites | undefined): StoredDocument {
    const idsKey = this.#plan.table.idsPrefix + key.slice(-internalIdLength);
    const own = writes?.ids.get(idsKey)?.stored;
    if (own !== undefined && own !== null) return this.#state.base.inShape(this.#plan.table, own);
    throw new Error("an index entry of the transaction without its document");
  }

  /** @throws TRANSFORM_FAILED when the document stands where its transforms do not put it */
  #documentOf(item: BatchItem, writes: TableWrites | undefined): StoredDocument {
    const { table, space } = this.#plan;
    const stored = this.#inShape(item, writes);
    const isLagging = space.kind === "index" && table.settledShape < table.shape;
    if (isLagging && entryKey(space.index, stored.document, tailOf(item.key)) !== item.key) {
      throw this.#state.base.shapes.misplaced(table, stored, space.index.name);
    }
    return stored;
  }

  #inShape(item: BatchItem, writes: TableWrites | undefined): StoredDocument {
    const { table, space } = this.#plan;
    if (space.kind !== "documents" && writes !== undefined) {
      const own = writes.ids.get(table.idsPrefix + item.key.slice(-internalIdLength))?.stored;
      if (own !== undefined && own !== null) return this.#state.base.inShape(table, own);
    }
    if (typeof item.found !== "string") return this.#state.base.inShape(table, item.found);
    return this.#state.base.decode(table, item.key, item.found, this.#fetched <= maxKept);
  }

  /** Reads the next batch. A promise when the storage answers later. */
  #fetch(): Promise<void> | undefined {
    const { start, end, isReverse } = this.#plan;
    const limit = this.#batchSize;
    const range = isReverse ? { start, end: this.#resumeAt } : { start: this.#resumeAt, end };
    const entries = this.#state.base.storage.scan(range, { reverse: isReverse, limit });
    if (entries instanceof Promise) return entries.then((found) => this.#receive(found, limit));
    return this.#receive(entries, limit);
  }

  #receive(entries: readonly Entry[], limit: number): Promise<void> | undefined {
    this.#isExhausted = entries.length < limit;
    this.#batchSize = Math.min(limit * growth, maxBatch);
    this.#fetched += entries.length;
    this.#at = 0;
    const last = entries.at(-1);
    if (last !== undefined) this.#resumeAt = this.#plan.isReverse ? last[0] : `${last[0]}\x00`;
    if (this.#plan.space.kind === "documents") {
      this.#batch = entries.map(([key, text]) => ({ key, found: text }));
      return undefined;
    }
    return this.#lookUp(entries);
  }

  /** Finds the documents of ids or index entries: in the cache, else in the storage all at once. */
  #lookUp(entries: readonly Entry[]): Promise<void> | undefined {
    const { base } = this.#state;
    const { table, space } = this.#plan;
    const known = entries.map(([key]) => base.cached(table.idsPrefix + key.slice(-internalIdLength)));
    const tails = entries
      .filter((_, index) => known[index] === undefined || known[index] === null)
      .map(([key, value]) =>
        space.kind === "ids" ? documentTail(Number(value), key.slice(-internalIdLength)) : tailOf(key),
      );
    const fill = (texts: readonly string[]): void => {
      let at = 0;
      this.#batch = entries.map(([key], index) => ({ key, found: known[index] ?? texts[at++] ?? "" }));
    };
    if (tails.length === 0) {
      fill([]);
      return undefined;
    }
    // Should one be missing, that follows from all that was read; so far little of it has been consumed.
    const { isComplete } = this.#coverage;
    this.#coverage.isComplete = true;
    const found = (texts: readonly string[]): void => {
      this.#coverage.isComplete = isComplete;
      fill(texts);
    };
    const texts = base.documentTexts(table, tails);
    if (texts instanceof Promise) return texts.then(found);
    found(texts);
    return undefined;
  }
}

function isPresent(write: unknown): boolean {
  if (typeof write === "string") return write !== "removed";
  return (write as { stored: StoredDocument | null }).stored !== null;
}
