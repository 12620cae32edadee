/**
 * Cursors. Where the fields of the index are known, a cursor is the index key of the last document, as JSON:
 * readable, good for any number of documents deleted or inserted meanwhile, and the same that the published
 * component stores, so a migration it began can be finished here. Otherwise it is the database's own cursor
 * behind a marker.
 */
import type { GenericDocument } from "convex/server";
import { compareValues, convexToJson, jsonToConvex, type GenericId, type Value } from "convex/values";

/** A document as the database returns it. */
export type StoredDocument = GenericDocument & { _id: GenericId<string> };

export type IndexKey = readonly (Value | undefined)[];

/** A place in a range. */
export type Position =
  | { kind: "start" }
  | { kind: "end" }
  | { kind: "key"; key: IndexKey }
  | { kind: "database"; cursor: string };

export const endCursor = "[]";
const databaseMarker = "paginate:";

/** The values of an index's fields, which are given by their paths. */
export function keyOf(fields: readonly string[], document: GenericDocument | undefined): IndexKey {
  return fields.map((path) =>
    path
      .split(".")
      .reduce<Value | undefined>(
        (value, field) =>
          typeof value === "object" && value !== null && Object.hasOwn(value, field)
            ? (value as Record<string, Value>)[field]
            : undefined,
        document,
      ),
  );
}

/** Compares index keys in the order in which a range is read. */
export function compareKeys(a: IndexKey, b: IndexKey, order: "asc" | "desc"): number {
  const sign = a.map((value, i) => compareValues(value, b[i])).find((one) => one !== 0) ?? 0;
  return order === "asc" ? sign : -sign;
}

/** The cursor behind a document, given the fields of the index. */
export function cursorOf(fields: readonly string[], document: GenericDocument | undefined): string {
  return cursorOfKey(keyOf(fields, document));
}

/** The cursor behind the document that has this index key. */
export function cursorOfKey(key: IndexKey): string {
  return JSON.stringify(convexToJson(key.map(escaped)));
}

/** The cursor for a place that only the database itself can find again. */
export function cursorOfDatabase(cursor: string): string {
  return databaseMarker + cursor;
}

/** The place that a cursor names, or null if it names none. A string of neither form is a cursor of the database. */
export function positionOf(cursor: string | null): Position | null {
  if (cursor === null) return { kind: "start" };
  if (cursor.startsWith(databaseMarker)) {
    return { kind: "database", cursor: cursor.slice(databaseMarker.length) };
  }
  if (!isNewFormatCursor(cursor)) return cursor === "" ? null : { kind: "database", cursor };
  if (cursor === endCursor) return { kind: "end" };
  try {
    const key: Value = jsonToConvex(JSON.parse(cursor));
    return Array.isArray(key) ? { kind: "key", key: key.map(unescaped) } : null;
  } catch {
    return null;
  }
}

/** True for a cursor that is made of an index key, and for null, the start of a range. */
export function isNewFormatCursor(cursor: string | null): boolean {
  return cursor === null || cursor.startsWith("[");
}

/** JSON has no undefined. It becomes the word "undefined", and a string that ends with that word gets a mark before it. */
function escaped(value: Value | undefined): Value {
  if (value === undefined) return "undefined";
  return typeof value === "string" && value.endsWith("undefined") ? `_${value}` : value;
}

function unescaped(value: Value): Value | undefined {
  if (value === "undefined") return undefined;
  return typeof value === "string" && value.endsWith("undefined") ? value.slice(1) : value;
}
