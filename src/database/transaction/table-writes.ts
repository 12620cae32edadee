/**
 * A transaction's writes to one table: documents by key and by id, index entries, and by how much the counts
 * change. Nothing is encoded before the commit, and what the transaction both adds and removes leaves no write.
 * An index holds entries of documents in the shape of the index, which may be one that is only prepared.
 */
import { isTrueupError } from "../../errors/index.js";
import type { Write } from "../../storage/storage.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { documentTail, entryKey, tailLength } from "../catalog/key-layout.js";
import { type Document, valueAt } from "../documents/document.js";
import { encodeDocument, type StoredDocument } from "../documents/stored-document.js";
import type { Shapes } from "../transforms/shapes.js";
import { Overlay } from "./overlay.js";

/** What becomes of one document; `stored` null says it is deleted. */
export interface DocumentWrite {
  readonly stored: StoredDocument | null;
  readonly key: string;
  /** There was a document of this id before the transaction. */
  readonly existed: boolean;
  /** It has another creation time than that one: it was deleted and inserted anew. */
  readonly isMoved: boolean;
}

/** An index entry: added by the transaction, removed by it, or removed and put back. */
export type EntryWrite = "added" | "removed" | "restored";

/**
 * Where a document stands in indexes that do not have it where it belongs, by index id; nothing is removed from an index whose
 * build is still to come by the document.
 */
export type StoredEntries = ReadonlyMap<number, readonly string[] | "left to the build">;

/** Called with what undoes a step, when the step may have to be undone. */
export type RecordUndo = ((undo: () => void) => void) | null;

export class TableWrites {
  /** As of the last write: an index may have come since the first. */
  table: TableEntry;
  readonly #shapes: Shapes;
  readonly documents: Overlay<DocumentWrite> = new Overlay();
  readonly ids: Overlay<DocumentWrite> = new Overlay();
  readonly #entries = new Map<number, Overlay<EntryWrite>>();
  documentsDelta = 0;
  bytesDelta = 0;

  constructor(table: TableEntry, shapes: Shapes) {
    this.table = table;
    this.#shapes = shapes;
  }

  entries(index: IndexEntry): Overlay<EntryWrite> | undefined {
    return this.#entries.get(index.id);
  }

  /**
   * Replaces `before` by `after`, which are two states of one document, null where there is none.
   * O(indexes), O(indexes × log writes) when scanned.
   * @param entries Where `before` stands in indexes that do not have it where it belongs.
   */
  write(
    internalId: string,
    before: StoredDocument | null,
    after: StoredDocument | null,
    undo: RecordUndo,
    entries: StoredEntries | null = null,
  ): void {
    const document = (after ?? before)?.document;
    if (document === undefined) return;
    const tail = documentTail(document._creationTime, internalId);
    const idsKey = this.table.idsPrefix + internalId;
    const key = this.table.documentsPrefix + tail;
    const previous = this.ids.get(idsKey);
    const existed = previous?.existed ?? before !== null;
    const isMoved = previous !== undefined && (previous.isMoved || previous.key !== key);
    const write: DocumentWrite = { stored: after, key, existed, isMoved };
    if (undo !== null) this.#recordUndo(idsKey, key, previous, undo);
    this.documents.set(key, write);
    this.ids.set(idsKey, write);
    this.documentsDelta += (after === null ? 0 : 1) - (before === null ? 0 : 1);
    this.bytesDelta += (after?.sizeBytes ?? 0) - (before === null ? 0 : countedSize(before));
    for (const index of this.table.indexes) {
      const elsewhere = entries?.get(index.id);
      if (elsewhere === undefined) this.#index(index, before, after, tail, undo);
      else if (elsewhere !== "left to the build") this.#reindex(index, elsewhere, after, tail, undo);
    }
  }

  /** The batch of storage writes. `keep` is told of every document's final state. */
  *writes(
    keep: (idsKey: string, stored: StoredDocument | null, textLength: number) => void,
  ): Generator<Write> {
    for (const [idsKey, { stored, existed, isMoved, key }] of this.ids.entries()) {
      if (stored !== null) {
        const text = encodeDocument(stored);
        keep(idsKey, stored, text.length);
        yield [key, text];
        if (!existed || isMoved) yield [idsKey, String(stored.document._creationTime)];
      } else if (existed) {
        keep(idsKey, null, 0);
        yield [idsKey, undefined];
      }
    }
    for (const [key, { stored, existed }] of this.documents.entries()) {
      if (stored === null && existed) yield [key, undefined];
    }
    for (const overlay of this.#entries.values()) {
      for (const [key, state] of overlay.entries()) {
        if (state !== "restored") yield [key, state === "added" ? "" : undefined];
      }
    }
  }

  /**
   * The ids of the documents written, and the index entries that these have and had before; of those in prepared indexes that
   * cannot be made there are none.
   */
  *unchangedKeys(): Generator<string> {
    for (const [idsKey, { stored, key }] of this.ids.entries()) {
      yield idsKey;
      if (stored === null) continue;
      const tail = key.slice(-tailLength);
      for (const index of this.table.indexes) {
        const entry = this.#entryOf(index, stored, tail);
        if (entry !== null && this.#entries.get(index.id)?.get(entry) !== "added") yield entry;
      }
    }
  }

  /** The index entries added and removed. */
  *changedEntries(): Generator<string> {
    for (const overlay of this.#entries.values()) {
      for (const [key, state] of overlay.entries()) if (state !== "restored") yield key;
    }
  }

  #entryOf(index: IndexEntry, stored: StoredDocument, tail: string): string | null {
    try {
      return entryKey(index, this.#documentFor(index, stored), tail);
    } catch (error) {
      if (index.shape > this.table.shape && isTrueupError(error)) return null;
      throw error;
    }
  }

  /** What undoes the next write of a document: what was written of it before, and the counts. */
  #recordUndo(
    idsKey: string,
    key: string,
    previous: DocumentWrite | undefined,
    undo: NonNullable<RecordUndo>,
  ): void {
    // A key contains the id of its document, so a document that was never written has nothing at the key.
    const atKey = previous === undefined || previous.key === key ? previous : this.documents.get(key);
    const documents = this.documentsDelta;
    const bytes = this.bytesDelta;
    undo(() => {
      this.documents.set(key, atKey);
      this.ids.set(idsKey, previous);
      this.documentsDelta = documents;
      this.bytesDelta = bytes;
    });
  }

  #index(
    index: IndexEntry,
    before: StoredDocument | null,
    after: StoredDocument | null,
    tail: string,
    undo: RecordUndo,
  ): void {
    const from = before === null ? null : this.#documentFor(index, before);
    const to = after === null ? null : this.#documentFor(index, after);
    if (from !== null && to !== null && sameEntry(index, from, to)) return;
    const overlay = this.#overlay(index);
    if (from !== null) removeEntry(overlay, entryKey(index, from, tail), undo);
    if (to !== null) addEntry(overlay, entryKey(index, to, tail), undo);
  }

  /** Puts the document where it belongs, from wherever it stands. */
  #reindex(
    index: IndexEntry,
    from: readonly string[],
    after: StoredDocument | null,
    tail: string,
    undo: RecordUndo,
  ): void {
    const overlay = this.#overlay(index);
    for (const key of from) removeEntry(overlay, key, undo);
    if (after !== null) addEntry(overlay, entryKey(index, this.#documentFor(index, after), tail), undo);
  }

  #overlay(index: IndexEntry): Overlay<EntryWrite> {
    let overlay = this.#entries.get(index.id);
    if (overlay === undefined) {
      overlay = new Overlay();
      this.#entries.set(index.id, overlay);
    }
    return overlay;
  }

  #documentFor(index: IndexEntry, stored: StoredDocument): Document {
    if (stored.shape === index.shape) return stored.document;
    return this.#shapes.at(this.table, stored, index.shape).document;
  }
}

/** The size that a table's counts hold for a document: the one that it is stored in. */
function countedSize({ source, sizeBytes }: StoredDocument): number {
  return source === null ? sizeBytes : source.sizeBytes;
}

function sameEntry(index: IndexEntry, before: Document, after: Document): boolean {
  return index.paths.every((path) => Object.is(valueAt(before, path), valueAt(after, path)));
}

/** Restores an entry that the transaction itself removed, and adds any other. */
function addEntry(overlay: Overlay<EntryWrite>, key: string, undo: RecordUndo): void {
  const state = overlay.get(key);
  change(overlay, key, state, state === "removed" ? "restored" : "added", undo);
}

function removeEntry(overlay: Overlay<EntryWrite>, key: string, undo: RecordUndo): void {
  const state = overlay.get(key);
  change(overlay, key, state, state === "added" ? undefined : "removed", undo);
}

function change(
  overlay: Overlay<EntryWrite>,
  key: string,
  before: EntryWrite | undefined,
  after: EntryWrite | undefined,
  undo: RecordUndo,
): void {
  undo?.(() => overlay.set(key, before));
  overlay.set(key, after);
}
