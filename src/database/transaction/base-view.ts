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
import type { Origin, VersionedCache } from "../documents/versioned-cache.js";
import type { Shapes } from "../transforms/shapes.js";

/**
 * A cell as transactions and the cache hold it; null says that there is no such cell.
 *
 * Cells are what a component keeps beside its tables: structures that the engine makes, such as the nodes of an aggregate.
 * A cell has a name and a value that its codec turns into text. Values stay decoded, in the transaction and across
 * transactions, and are encoded once, at commit; so they must never be changed in place. Cells are not documents: they count
 * towards no limit of Convex's, have no schema, and no hook hears of them.
 */
export type Cell = { readonly value: unknown } | null;

/** A cell that a transaction wrote, or removed, and what encodes it at commit. */
export interface CellWrite {
  readonly cell: Cell;
  readonly codec: CellCodec<unknown>;
  /** Whether the cache keeps it, even if it did not have the cell before. */
  readonly isKept: boolean;
}

/**
 * How the cache may be used: `latest` by transactions that see every commit handed over before them,
 * `snapshot` by views of a version that the cache knows all about, `none` by all others.
 */
export type CacheMode = "latest" | "snapshot" | "none";

/** A null says that there is no such document. */
export type DocumentCache = VersionedCache<StoredDocument | null>;

/** Holds counts and the catalog's head: records that are few and are read all the time. */
export type RecordCache = VersionedCache<string>;

export type CellCache = VersionedCache<Cell>;

/** What is known of the storage across transactions. */
export interface Caches {
  readonly cells: CellCache;
  readonly documents: DocumentCache;
  readonly records: RecordCache;
}

/** What a cached document or cell takes beside its text, in bytes. */
const cacheOverhead = 250;

export class BaseView {
  readonly storage: StorageReader;
  readonly shapes: Shapes;
  readonly #cache: DocumentCache;
  readonly #records: RecordCache;
  readonly #cells: CellCache;
  readonly #mode: CacheMode;
  readonly #origin: Origin;

  constructor(storage: StorageReader, caches: Caches, mode: CacheMode, shapes: Shapes) {
    this.storage = storage;
    this.shapes = shapes;
    this.#cache = caches.documents;
    this.#records = caches.records;
    this.#cells = caches.cells;
    this.#mode = mode;
    this.#origin = { version: storage.version };
  }

  /** A table's counts without the transaction's own writes. O(1). */
  counts(table: TableEntry): MaybePromise<TableCounts> {
    const text = this.record(table.countsKey);
    return text instanceof Promise ? text.then(parseCounts) : parseCounts(text);
  }

  /** Reads a record that every transaction needs, such as a count. */
  record(key: string): MaybePromise<string | undefined> {
    const cached = this.#known(this.#records, key);
    if (cached !== undefined) return cached;
    const text = this.storage.get(key);
    return text instanceof Promise
      ? text.then((found) => this.#keepRecord(key, found))
      : this.#keepRecord(key, text);
  }

  /** A cell, decoded once for all transactions; null when there is none. */
  cell(key: string, codec: CellCodec<unknown>): MaybePromise<Cell> {
    const cached = this.#known(this.#cells, key);
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
    return this.#known(this.#cache, idsKey);
  }

  /** A stored document in its table's shape. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  inShape(table: TableEntry, stored: StoredDocument): StoredDocument {
    return stored.shape === table.shape ? stored : this.shapes.at(table, stored, table.shape);
  }

  /** The document of a row that was read, from the cache if it is there. @throws TRANSFORM_MISSING, TRANSFORM_FAILED */
  decode(table: TableEntry, key: string, text: string, mayKeep: boolean): StoredDocument {
    if (this.#mode === "none") return this.#inShapeOnce(table, decodeDocument(text));
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

  #known<V>(cache: VersionedCache<V>, key: string): V | undefined {
    if (this.#mode === "latest") return cache.latest(key);
    if (this.#mode === "snapshot") return cache.at(key, this.storage.version);
    return undefined;
  }

  #keepCell(key: string, codec: CellCodec<unknown>, text: string | undefined): Cell {
    const cell = text === undefined ? null : { value: codec.decode(text) };
    if (this.#mode !== "none") this.#cells.load(key, cell, cachedSize(text?.length ?? 0), this.#origin);
    return cell;
  }

  #keepRecord(key: string, text: string | undefined): string | undefined {
    if (text !== undefined && this.#mode !== "none") {
      this.#records.load(key, text, 0, this.#origin);
    }
    return text;
  }

  #keep(idsKey: string, stored: StoredDocument, textLength: number): void {
    if (this.#mode === "none") return;
    this.#cache.load(idsKey, stored, cachedSize(textLength), this.#origin);
  }
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
