/**
 * Finds the range of keys that a query reads. A query without an index, or by creation time, reads the documents; one
 * over `by_id` reads the ids; one over another index reads its entries. The equalities of an index range cover the first fields
 * of the index, and then at most one field may have bounds.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { compareValues, decodeId, encodeId, encodeKey, prefixEnd, tupleEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import type { QuerySource, RangeBound } from "./query.js";
import { internalIdLength } from "../catalog/key-layout.js";

/** What a query's range lies in. */
export type Space =
  | { readonly kind: "documents" }
  | { readonly kind: "ids" }
  | { readonly kind: "index"; readonly index: IndexEntry };

/** A space, with the prefix of its keys. */
interface PlacedSpace {
  readonly space: Space;
  readonly prefix: string;
  /** Every index ends with the id, so that its order is total: a range may be bounded by that too. */
  readonly fields: readonly string[];
}

/** The keys a query reads, in which direction. */
export interface ScanPlan {
  readonly table: TableEntry;
  readonly space: Space;
  readonly start: string;
  readonly end: string;
  readonly isReverse: boolean;
  /** Nothing but what the transaction itself has written can be there: it waits for the timestamp of this commit. */
  readonly isOwn: boolean;
  /** All fields that decide the order, for a cursor to be bound to. */
  readonly fields: readonly string[];
}

/** The name of the table that a query reads. */
export function tableOfSource(source: QuerySource): string {
  if (source.type === "FullTableScan") return source.tableName;
  return source.indexName.slice(0, indexNameStart(source.indexName) - 1);
}

/**
 * @param table The table of the source; the caller has looked it up, and says what a missing one means.
 * @throws INDEX_NOT_FOUND, INDEX_NOT_READY, INVALID_INDEX_RANGE
 */
export function planScan(source: QuerySource, table: TableEntry): ScanPlan {
  const isReverse = source.order === "desc";
  const { space, prefix, fields } = spaceOf(source, table);
  const range = source.type === "IndexRange" ? source.range : [];
  const bounds = keyBounds(table, prefix, fields, splitRange(range, fields, source));
  const isOwn = range.some(({ type, value }) => type === "Eq" && value instanceof CommitTsPlaceholder);
  return { table, space, ...bounds, isReverse, isOwn, fields };
}

/**
 * The fields that decide the order of a query on a table that does not exist, which only its built-in
 * indexes can serve. @throws INDEX_NOT_FOUND
 */
export function fieldsWithoutTable(source: QuerySource): readonly string[] {
  if (source.type === "FullTableScan") return ["_creationTime", "_id"];
  const name = source.indexName.slice(indexNameStart(source.indexName));
  if (name === "by_creation_time") return ["_creationTime", "_id"];
  if (name === "by_id") return ["_id"];
  throw new TrueupError("INDEX_NOT_FOUND", `Index ${source.indexName} not found.`, {
    table: tableOfSource(source),
    index: name,
  });
}

function indexNameStart(indexName: string): number {
  return indexName.indexOf(".") + 1;
}

function spaceOf(source: QuerySource, table: TableEntry): PlacedSpace {
  const name =
    source.type === "FullTableScan"
      ? "by_creation_time"
      : source.indexName.slice(indexNameStart(source.indexName));
  if (name === "by_creation_time") {
    return { space: { kind: "documents" }, prefix: table.documentsPrefix, fields: ["_creationTime", "_id"] };
  }
  if (name === "by_id") return { space: { kind: "ids" }, prefix: table.idsPrefix, fields: ["_id"] };
  let unready: IndexEntry | undefined;
  for (const index of table.indexes) {
    if (index.name !== name) continue;
    if (index.state === "ready" && !index.isStaged) {
      const fields = [...index.fields, "_creationTime", "_id"];
      return { space: { kind: "index", index }, prefix: index.prefix, fields };
    }
    unready = index;
  }
  const details = { table: table.name, index: name, componentPath: table.componentPath };
  if (unready === undefined) {
    throw new TrueupError("INDEX_NOT_FOUND", `Index ${table.name}.${name} not found.`, details);
  }
  throw new TrueupError(
    "INDEX_NOT_READY",
    unready.isStaged
      ? `Index ${table.name}.${name} is staged: it may not be queried until the schema makes it an ordinary index.`
      : `Index ${table.name}.${name} is still being built.`,
    details,
  );
}

interface SplitRange {
  readonly equal: readonly (Value | undefined)[];
  readonly lower: RangeBound | undefined;
  readonly upper: RangeBound | undefined;
}

function splitRange(
  range: readonly RangeBound[],
  fields: readonly string[],
  source: QuerySource,
): SplitRange {
  const equal: (Value | undefined)[] = [];
  let lower: RangeBound | undefined;
  let upper: RangeBound | undefined;
  for (const bound of range) {
    const field = fields[equal.length];
    const isBounded = lower !== undefined || upper !== undefined;
    if (bound.fieldPath !== field || (bound.type === "Eq" && isBounded)) {
      throw misplaced(bound, field, isBounded, fields, source);
    }
    if (bound.type === "Eq") {
      equal.push(bound.value);
    } else if (bound.type === "Gt" || bound.type === "Gte") {
      if (lower !== undefined) throw twice(bound, "lower", source);
      lower = bound;
    } else {
      if (upper !== undefined) throw twice(bound, "upper", source);
      upper = bound;
    }
  }
  return { equal, lower, upper };
}

/** Where a value of a field stands among the keys that begin with `base`: full keys. */
interface Place {
  readonly from: string;
  readonly after: string;
}

function keyBounds(
  table: TableEntry,
  prefix: string,
  fields: readonly string[],
  { equal, lower, upper }: SplitRange,
): { start: string; end: string } {
  const isIdEqual = fields[equal.length - 1] === "_id";
  const base = prefix + encodeKey(isIdEqual ? equal.slice(0, -1) : equal);
  if (isIdEqual) {
    const { from, after } = idPlace(table, base, equal.at(-1));
    return { start: from, end: after };
  }
  const placeOf = (bound: RangeBound): Place =>
    bound.fieldPath === "_id" ? idPlace(table, base, bound.value) : valuePlace(base, bound);
  let start = base;
  let end = equal.length === 0 ? endOf(base) : endOfValue(base, fields[equal.length - 1]);
  if (lower !== undefined) start = placeOf(lower)[lower.type === "Gte" ? "from" : "after"];
  if (upper !== undefined) end = placeOf(upper)[upper.type === "Lt" ? "from" : "after"];
  return { start, end };
}

function valuePlace(base: string, { fieldPath, value }: RangeBound): Place {
  const from = base + encodeKey([value]);
  return { from, after: endOfValue(from, fieldPath) };
}

/** A creation time, of fixed length, is followed by the id's bytes as they are; other fields by encoded values. */
function endOfValue(key: string, fieldPath: string | undefined): string {
  return fieldPath === "_creationTime" ? endOf(key) : tupleEnd(key);
}

function idPlace(table: TableEntry, base: string, value: Value | undefined): Place {
  const { from, after } = idPosition(table.number, value);
  const key = (place: string | null): string => (place === null ? endOf(base) : base + place);
  return { from: key(from), after: key(after) };
}

/** Prefixes of this database begin with a low byte, so there is always a key above them. */
function endOf(prefix: string): string {
  const end = prefixEnd(prefix);
  if (end === undefined) throw new Error("a prefix of 0xff bytes");
  return end;
}

function misplaced(
  bound: RangeBound,
  expected: string | undefined,
  isBounded: boolean,
  fields: readonly string[],
  source: QuerySource,
): TrueupError {
  const name = source.type === "IndexRange" ? source.indexName : source.tableName;
  const list = JSON.stringify(fields);
  const method = `.${bound.type.toLowerCase()}("${bound.fieldPath}", ...)`;
  const problem = isBounded
    ? `cannot use ${method} after bounds on "${expected}": equalities come first, and only the last field used may have .gt, .gte, .lt or .lte`
    : expected === undefined
      ? `cannot use ${method}: every field of the index is already compared with .eq`
      : fields.includes(bound.fieldPath)
        ? `cannot use ${method} before "${expected}" is compared with .eq`
        : `the index has no field "${bound.fieldPath}"`;
  return new TrueupError(
    "INVALID_INDEX_RANGE",
    `Tried to query index ${name} in a way it does not allow: ${problem}. The index's fields, in this order, are ${list}.`,
    { index: name, field: bound.fieldPath, expected: expected ?? null, fields },
  );
}

function twice(bound: RangeBound, side: "lower" | "upper", source: QuerySource): TrueupError {
  const name = source.type === "IndexRange" ? source.indexName : source.tableName;
  return new TrueupError(
    "INVALID_INDEX_RANGE",
    `Tried to query index ${name} with two ${side} bounds on "${bound.fieldPath}".`,
    { index: name, field: bound.fieldPath },
  );
}

/** Where a value stands among the ids of a table, as key chars after the prefix; null is the end of the table. */
interface IdPosition {
  /** The first id that is not below the value. */
  readonly from: string | null;
  /** The first id that is above the value. */
  readonly after: string | null;
}

/** O(1): at most 128 ids are encoded, and only for a string that is no id of the table. */
function idPosition(tableNumber: number, value: Value | undefined): IdPosition {
  if (typeof value !== "string") {
    const place = compareValues(value, "") < 0 ? "" : null;
    return { from: place, after: place };
  }
  const decoded = decodeId(value);
  if (decoded?.tableNumber === tableNumber) {
    const { internalId } = decoded;
    return { from: internalId, after: `${internalId}\x00` };
  }
  const place = firstAbove(tableNumber, value);
  return { from: place, after: place };
}

/** The place right after the greatest inner id whose id is below `text`, found bit by bit. */
function firstAbove(tableNumber: number, text: string): string | null {
  const bytes = Array.from({ length: internalIdLength }, () => 0);
  const id = (): string => encodeId(tableNumber, String.fromCharCode(...bytes));
  // Plain comparison is the order of UTF-8 here: one side is ASCII.
  if (!(id() < text)) return "";
  for (let at = 0; at < internalIdLength; at++) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      const before = bytes[at] ?? 0;
      bytes[at] = before | bit;
      if (!(id() < text)) bytes[at] = before;
    }
  }
  if (bytes.every((byte) => byte === 0xff)) return null;
  return `${String.fromCharCode(...bytes)}\x00`;
}
