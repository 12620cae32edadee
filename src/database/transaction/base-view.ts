/**
 * What a transaction sees of the storage, without its own writes: documents, decoded and in their table's shape. They come
 * from the cache where that is safe; the cache holds them as they are stored. Methods answer without a promise when the storage
 * does.
 */
import { TrueupError } from "../../errors/index.js";
import type { CellCodec } from "../../seams/index.js";
import type { MaybePromise, StorageReader } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { documentTail, internalIdLength, tailLength } from "../catalog/key-layout.js";
import { parseCounts, type TableCounts } from "../catalog/records.js";
import type { Document } from "../documents/document.js";
import {
  decodeDocument,
  parseDocument,
  shapeOfText,
  type StoredDocument,
} from "../documents/stored-document.js";
import type { Caches, Cell } from "../documents/caches.js";
import type { View } from "../documents/versioned-cache.js";
import type { Shapes } from "../transforms/shapes.js";

/** A cell that a transaction wrote, or removed, and what encodes it at commit. */
export interface CellWrite {
  readonly cell: Cell;
  readonly codec: CellCodec<unknown>;
  /** Whether the cache keeps it, even if it did not have the cell before. */
  readonly isKept: boolean;
}

/** What a cached document or cell takes beside its text, in bytes. */
const cacheOverhead = 250;

export class BaseView {
  readonly storage: StorageReader;
  readonly shapes: Shapes;
  readonly #caches: Caches;
  readonly #view: View;

  constructor(storage: StorageReader, caches: Caches, view: View, shapes: Shapes) {
    this.storage = storage;
    this.shapes = shapes;
    this.#caches = caches;
    this.#view = view;
  }

  /** A table's counts without the transaction's own writes. O(1). */
  counts(table: TableEntry): MaybePromise<TableCounts> {
    const { countsKey } = table;
    // A count that is cached lacks what is added by transactions that are under way.
    const isAddedTo = this.#view.handedOver > 0 && this.#caches.records.isUnderWay(countsKey);
    const text = isAddedTo ? this.storage.get(countsKey) : this.record(countsKey);
    return text instanceof Promise ? text.then(parseCounts) : parseCounts(text);
  }

  /** Reads a record that every transaction needs, such as a count. */
  record(key: string): MaybePromise<string | undefined> {
    const cached = this.#caches.records.find(key, this.#view, asItIs);
    if (cached !== undefined) return cached;
    const text = this.storage.get(key);
    return text instanceof Promise
      ? text.then((found) => this.#keepRecord(key, found))
      : this.#keepRecord(key, text);
  }

  /** A cell, decoded once for all transactions; null when there is none. */
  cell(key: string, codec: CellCodec<unknown>): MaybePromise<Cell> {
    const cached = this.#caches.cells.find(key, this.#view, (text) => ({ value: codec.decode(text) }));
    if (cached !== undefined) return cached;
    const text = this.storage.get(key);
    return text instanceof Promise
      ? text.then((found) => this.#keepCell(key, codec, found))
      : this.#keepCell(key, codec, text);
  }

  /** The document of a table with an internal id; null when there is none. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  document(table: TableEntry, internalId: string): MaybePromise<StoredDocument | null> {
    const idsKey = table.idsPrefix + internalId;
    const cached = this.cached(idsKey);
    if (cached !== undefined) return cached === null ? null : this.inShape(table, cached);
    const time = this.storage.get(idsKey);
    return time instanceof Promise
      ? time.then((text) => this.#complete(table, internalId, text))
      : this.#complete(table, internalId, time);
  }

  /** What the cache knows of a document, as it is stored: undefined when it knows nothing. */
  cached(idsKey: string): StoredDocument | null | undefined {
    return this.#caches.documents.find(idsKey, this.#view, decodeDocument);
  }

  /** A stored document in its table's shape. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  inShape(table: TableEntry, stored: StoredDocument): StoredDocument {
    return stored.shape === table.shape ? stored : this.shapes.at(table, stored, table.shape);
  }

  /** The document of a row that was read, from the cache if it is there. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  decode(table: TableEntry, key: string, text: string, mayKeep: boolean): StoredDocument {
    const idsKey = table.idsPrefix + key.slice(-internalIdLength);
    const cached = this.cached(idsKey);
    if (cached !== undefined && cached !== null) return this.inShape(table, cached);
    const stored = decodeDocument(text);
    if (!mayKeep) return this.#inShapeOnce(table, stored);
    this.#keep(idsKey, stored, text.length);
    return this.inShape(table, stored);
  }

  /** The document of a row that was read once and is not needed again. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  decodeOnce(table: TableEntry, text: string): Document {
    if (table.shape === 0 && shapeOfText(text) === 0) return parseDocument(text);
    return this.#inShapeOnce(table, decodeDocument(text)).document;
  }

  /** The texts of the documents with these keys' tails. @throws STORAGE_CORRUPT when one is missing */
  documentTexts(table: TableEntry, tails: readonly string[]): MaybePromise<string[]> {
    const texts = this.storage.getMany(tails.map((tail) => table.documentsPrefix + tail));
    return texts instanceof Promise ? texts.then((found) => allFound(table, found)) : allFound(table, texts);
  }

  #inShapeOnce(table: TableEntry, stored: StoredDocument): StoredDocument {
    return stored.shape === table.shape ? stored : this.shapes.make(table, stored, table.shape);
  }

  #complete(
    table: TableEntry,
    internalId: string,
    time: string | undefined,
  ): MaybePromise<StoredDocument | null> {
    if (time === undefined) return null;
    const text = this.storage.get(table.documentsPrefix + documentTail(Number(time), internalId));
    return text instanceof Promise
      ? text.then((found) => this.#found(table, internalId, found))
      : this.#found(table, internalId, text);
  }

  #found(table: TableEntry, internalId: string, text: string | undefined): StoredDocument {
    if (text === undefined) throw missingDocument(table);
    const stored = decodeDocument(text);
    this.#keep(table.idsPrefix + internalId, stored, text.length);
    return this.inShape(table, stored);
  }

  #keepCell(key: string, codec: CellCodec<unknown>, text: string | undefined): Cell {
    const cell = text === undefined ? null : { value: codec.decode(text) };
    this.#caches.cells.load(key, cell, cachedSize(text?.length ?? 0), this.#view);
    return cell;
  }

  #keepRecord(key: string, text: string | undefined): string | undefined {
    if (text !== undefined) this.#caches.records.load(key, text, 0, this.#view);
    return text;
  }

  #keep(idsKey: string, stored: StoredDocument, textLength: number): void {
    this.#caches.documents.load(idsKey, stored, cachedSize(textLength), this.#view);
  }
}

function asItIs(text: string): string {
  return text;
}

/** An estimate of the memory that a decoded document or cell takes. */
export function cachedSize(textLength: number): number {
  return 2 * textLength + cacheOverhead;
}

/** The tail of the document's key in an index entry's key. */
export function tailOf(key: string): string {
  return key.slice(-tailLength);
}

function allFound(table: TableEntry, texts: readonly (string | undefined)[]): string[] {
  const found: string[] = [];
  for (const text of texts) {
    if (text === undefined) throw missingDocument(table);
    found.push(text);
  }
  return found;
}

function missingDocument(table: TableEntry): TrueupError {
  return new TrueupError(
    "STORAGE_CORRUPT",
    `Table ${table.name} has an entry for a document that is not there.`,
    { table: table.name, componentPath: table.componentPath },
  );
}
