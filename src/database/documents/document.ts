/** What the database stores and hands out. */
import { CommitTsPlaceholder, type Value } from "convex/values";

/** A stored document with its two system fields. Every one handed out is the receiver's own to change. */
export interface Document {
  [field: string]: Value | undefined;
  _id: string;
  /** Milliseconds since 1970, unique and ordered within a transaction. */
  _creationTime: number;
}

/** The fields of a document to be written, before they are known to be Convex values. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value at a path; undefined where there is none, or where something else than an object is in between. */
export function valueAt(document: Document, path: readonly string[]): Value | undefined {
  let value: Value | undefined = document;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !isObject(value)) return undefined;
    // Names that every object inherits must not be found where the document lacks them.
    value = name in Object.prototype && !Object.hasOwn(value, name) ? undefined : value[name];
    if (value === undefined) return undefined;
  }
  return value;
}

function isObject(
  value: Exclude<Value, string | number | bigint | boolean | null>,
): value is { [name: string]: Value | undefined } {
  return !Array.isArray(value) && !(value instanceof ArrayBuffer) && !(value instanceof CommitTsPlaceholder);
}
