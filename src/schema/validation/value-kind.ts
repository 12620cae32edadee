/**
 * Tells which kind of Convex value a JavaScript value is. It is cheap, and right also for objects that come from another realm
 * (a vm context has its own `Object` and `ArrayBuffer`).
 */
import { CommitTsPlaceholder } from "convex/values";
import { isPlainObject } from "../../values/index.js";

/** The kinds that validators tell apart; "other" is no Convex value. */
export type ValueKind =
  | "array"
  | "bigint"
  | "boolean"
  | "bytes"
  | "commitTs"
  | "null"
  | "number"
  | "object"
  | "other"
  | "string"
  | "undefined";

/** True for an ArrayBuffer of any realm. */
export function isBytes(value: unknown): value is ArrayBuffer {
  if (value instanceof ArrayBuffer) return true;
  return typeof value === "object" && Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

/** The kind of a value. */
export function valueKind(value: unknown): ValueKind {
  const type = typeof value;
  if (type === "string" || type === "number" || type === "boolean") return type;
  if (type === "bigint" || type === "undefined") return type;
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (isPlainObject(value)) return "object";
  if (isBytes(value)) return "bytes";
  return value instanceof CommitTsPlaceholder ? "commitTs" : "other";
}

const maxFieldNameLength = 1024;

/**
 * Whether a text may name a field of an object or a key of a record, as a value; a declared field is held to more. True for
 * printable ASCII of at most 1024 characters that does not begin with `$`.
 */
export function isFieldName(name: string): boolean {
  if (name.length > maxFieldNameLength || name.charCodeAt(0) === 0x24) return false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code < 32 || code >= 127) return false;
  }
  return true;
}
