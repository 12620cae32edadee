/**
 * Where everything lies in the storage: the first char of a key names the space, then come numbers of
 * four bytes, so that each table and each index is one contiguous range.
 *
 * - documents: table, creation time, internal id -> the document's JSON text, after the number of the shape it is
 *   in unless that is 0. A full scan in the order of creation is one scan, and bulk inserts append.
 * - ids: table, internal id -> the creation time as decimal text, which completes the document's key.
 * - index entries: index, encoded fields, creation time, internal id -> nothing. The tail is the tail of
 *   the document's key.
 * - counts: table -> "documents,bytes".
 * - cells: component, name -> whatever the codec of the cell makes of it.
 * - catalog: see `records.ts`.
 */
import { encodeKey } from "../../values/index.js";
import { valueAt, type Document } from "../documents/document.js";
import type { IndexEntry } from "./catalog.js";

const catalogSpace = "\x01";
const documentSpace = "\x02";
const idSpace = "\x03";
const indexEntries = "\x04";
const countSpace = "\x05";
const cellSpace = "\x06";

/** Chars of a prefix that names one table's or one index's range. */
export const prefixLength = 5;

/** Chars of an internal id, and of a document key's tail: encoded creation time and internal id. */
export const internalIdLength = 16;
export const tailLength: number = 9 + internalIdLength;

/** Four chars, big-endian, so that numbers sort. */
function encodeNumber(number: number): string {
  return String.fromCharCode(number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
}

export function decodeNumber(text: string, at: number): number {
  return (
    ((text.charCodeAt(at) << 24) |
      (text.charCodeAt(at + 1) << 16) |
      (text.charCodeAt(at + 2) << 8) |
      text.charCodeAt(at + 3)) >>>
    0
  );
}

export function documentsPrefix(tableId: number): string {
  return documentSpace + encodeNumber(tableId);
}

export function idsPrefix(tableId: number): string {
  return idSpace + encodeNumber(tableId);
}

export function indexPrefix(indexId: number): string {
  return indexEntries + encodeNumber(indexId);
}

export function countsKey(tableId: number): string {
  return countSpace + encodeNumber(tableId);
}

export function cellsPrefix(component: number): string {
  return cellSpace + encodeNumber(component);
}

/** The end of a document's key and of its index entries' keys. */
export function documentTail(creationTime: number, internalId: string): string {
  return encodeKey([creationTime]) + internalId;
}

/** The key of a document's entry in an index. @param tail The end of the document's key. */
export function entryKey(index: IndexEntry, document: Document, tail: string): string {
  const { paths } = index;
  const only = paths[0];
  const values =
    paths.length === 1 && only !== undefined
      ? [valueAt(document, only)]
      : paths.map((path) => valueAt(document, path));
  return index.prefix + encodeKey(values) + tail;
}

/** What kind of key this is: the listeners of commits and read sets tell them apart by it. */
export function isDocumentKey(key: string): boolean {
  return key.startsWith(documentSpace);
}

export function isIdKey(key: string): boolean {
  return key.startsWith(idSpace);
}

export function isEntryKey(key: string): boolean {
  return key.startsWith(indexEntries);
}

export function isCellKey(key: string): boolean {
  return key.startsWith(cellSpace);
}

/** The key in the space of ids of the document with this key. */
export function idsKeyOfDocument(key: string): string {
  return idSpace + key.slice(1, prefixLength) + key.slice(-internalIdLength);
}

interface CatalogKeys {
  readonly head: string;
  readonly component: (number: number) => string;
  readonly components: string;
  readonly table: (component: number, name: string) => string;
  readonly tables: string;
  readonly index: (indexId: number) => string;
  readonly indexes: string;
  readonly backfill: (indexId: number) => string;
  readonly transform: (tableId: number, shape: number) => string;
  readonly transforms: string;
  /** How far the write-through of a table's transforms has come: only its own batches set it. */
  readonly writeThrough: (tableId: number) => string;
  readonly writeThroughs: string;
  readonly cleared: (prefix: string) => string;
  readonly toClear: string;
}

/** Keys of the catalog: one head, then a record per component, table, index, transform, and things to clear. */
export const catalogKeys: CatalogKeys = {
  head: `${catalogSpace}a`,
  component: (number) => `${catalogSpace}c${encodeNumber(number)}`,
  components: `${catalogSpace}c`,
  table: (component, name) => `${catalogSpace}t${encodeNumber(component)}${name}`,
  tables: `${catalogSpace}t`,
  index: (indexId) => `${catalogSpace}i${encodeNumber(indexId)}`,
  indexes: `${catalogSpace}i`,
  backfill: (indexId) => `${catalogSpace}b${encodeNumber(indexId)}`,
  transform: (tableId, shape) => `${catalogSpace}s${encodeNumber(tableId)}${encodeNumber(shape)}`,
  transforms: `${catalogSpace}s`,
  writeThrough: (tableId) => `${catalogSpace}w${encodeNumber(tableId)}`,
  writeThroughs: `${catalogSpace}w`,
  cleared: (prefix) => `${catalogSpace}x${prefix}`,
  toClear: `${catalogSpace}x`,
};

export type Space = "catalog" | "documents" | "ids" | "index entries" | "counts" | "cells";

const spaces: ReadonlyMap<string | undefined, Space> = new Map([
  [catalogSpace, "catalog"],
  [documentSpace, "documents"],
  [idSpace, "ids"],
  [indexEntries, "index entries"],
  [countSpace, "counts"],
  [cellSpace, "cells"],
]);

/** The space that a key lies in; null when it is in none. */
export function spaceOf(key: string): Space | null {
  return spaces.get(key[0]) ?? null;
}

/** The spaces whose keys go on with the number of a table or, for index entries, of an index. */
export const spacePrefixes: readonly string[] = [documentSpace, idSpace, indexEntries, countSpace];
