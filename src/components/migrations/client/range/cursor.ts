/**
 * Cursors. Where the fields of the index are known, a cursor is the index key of the last document, as JSON:
 * readable, good for any number of documents deleted or inserted meanwhile, and the same that the published
 * component stores, so a migration it began can be finished here. Otherwise it is the database's own cursor
 * behind a marker.
 */
import { convexToJson, jsonToConvex, type Value } from "convex/values";

export type IndexKey = readonly (Value | undefined)[];

/** A place in a range. */
export type Position =
  | { kind: "start" }
  | { kind: "end" }
  | { kind: "key"; key: IndexKey }
  | { kind: "database"; cursor: string };

export const endCursor = "[]";
const databaseMarker = "paginate:";

/** The cursor behind the document that has this index key. */
export function cursorOfKey(key: IndexKey): string {
  return JSON.stringify(convexToJson(key.map(escaped)));
}

/** The cursor for a place that only the database itself can find again. */
export function cursorOfDatabase(cursor: string): string {
  return databaseMarker + cursor;
}

/** Reads a cursor; null if it is none. Strings that neither form explains are the database's own. */
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

/** True for a cursor made of an index key, and for the start of a range. */
export function isNewFormatCursor(cursor: string | null): boolean {
  return cursor === null || cursor.startsWith("[");
}

/** JSON has no undefined: it becomes the word, and a string that ends with the word gets a mark before it. */
function escaped(value: Value | undefined): Value {
  if (value === undefined) return "undefined";
  return typeof value === "string" && value.endsWith("undefined") ? `_${value}` : value;
}

function unescaped(value: Value): Value | undefined {
  if (value === "undefined") return undefined;
  return typeof value === "string" && value.endsWith("undefined") ? value.slice(1) : value;
}
