/** A document as transactions and the cache hold it, with what they need of it often: its size and whether it is flat. */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { parseValue, stringifyValue } from "../../values/index.js";
import type { Document } from "./document.js";

/** Never changed and never handed out: `copyDocument` makes what readers get. */
export interface StoredDocument {
  readonly document: Document;
  /** Convex's size of the document in bytes, system fields included. */
  readonly sizeBytes: number;
  /** No field holds an object, an array or bytes, so a shallow copy is a copy. */
  readonly isFlat: boolean;
  /** A commit timestamp is still to be filled in. */
  readonly awaitsCommit: boolean;
  /** The number of the shape it is in. */
  readonly shape: number;
  /** The document as it is stored, where transforms made this one from it; null when this is the stored one. */
  readonly source: StoredDocument | null;
}

const brace = 0x7b;

/**
 * Decodes the stored text of a document, which stays in the shape it is stored in. O(size).
 *
 * @throws INVALID_VALUE when the text is damaged.
 */
export function decodeDocument(text: string): StoredDocument {
  const shape = shapeOfText(text);
  const document = parseValue(shape === 0 ? text : text.slice(text.indexOf("{"))) as Document;
  const { sizeBytes, isFlat } = measure(document);
  return { document, sizeBytes, isFlat, awaitsCommit: false, shape, source: null };
}

/** The document of a text that is in shape 0, without what `decodeDocument` finds out about it. O(size). */
export function parseDocument(text: string): Document {
  return parseValue(text) as Document;
}

/** The text to store: the shape's number, unless it is 0, and the document's JSON. O(size). */
export function encodeDocument({ document, shape }: StoredDocument): string {
  const text = stringifyValue(document);
  return shape === 0 ? text : shape + text;
}

/** The number of the shape that a stored text is in. O(1). */
export function shapeOfText(text: string): number {
  return text.charCodeAt(0) === brace ? 0 : Number(text.slice(0, text.indexOf("{")));
}

/** A copy that is the receiver's own. O(size). */
export function copyDocument({ document, isFlat }: StoredDocument): Document {
  return isFlat ? { ...document } : (copyFields(document) as Document);
}

function copyValue(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof CommitTsPlaceholder) return value;
  return copyFields(value);
}

type ValueFields = { [name: string]: Value | undefined };

function copyFields(fields: ValueFields): ValueFields {
  const copy: ValueFields = {};
  for (const name in fields) {
    const field = fields[name];
    const copied = field === undefined ? undefined : copyValue(field);
    if (name === "__proto__") define(copy, copied);
    else copy[name] = copied;
  }
  return copy;
}

/** Assigning to `__proto__` would set the prototype. */
function define(target: object, value: Value | undefined): void {
  Object.defineProperty(target, "__proto__", {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** What one pass over a document finds out. */
export interface Measured {
  readonly sizeBytes: number;
  /** No part of it is an object, an array or bytes. */
  readonly isFlat: boolean;
}

/**
 * The size of an object in bytes as Convex counts it. The figures are those of `getConvexSize`, and come several times
 * faster, because every document that is read or written is measured. O(size).
 */
export function measure(fields: { readonly [name: string]: Value | undefined }): Measured {
  let sizeBytes = 2;
  let isFlat = true;
  for (const name in fields) {
    const field = fields[name];
    if (field === undefined) continue;
    if (typeof field === "object" && field !== null) isFlat = false;
    sizeBytes += byteLength(name) + 1 + measureValue(field);
  }
  return { sizeBytes, isFlat };
}

function measureValue(value: Value): number {
  switch (typeof value) {
    case "string":
      return 2 + byteLength(value);
    case "number":
    case "bigint":
      return 9;
    case "boolean":
      return 1;
    default:
      return measureObject(value);
  }
}

function measureObject(value: Exclude<Value, string | number | bigint | boolean>): number {
  if (value === null) return 1;
  if (Array.isArray(value)) {
    let sizeBytes = 2;
    for (const item of value) sizeBytes += measureValue(item);
    return sizeBytes;
  }
  if (value instanceof ArrayBuffer) return 2 + value.byteLength;
  if (Object.getPrototypeOf(value) !== Object.prototype) return 9;
  return measure(value as { [name: string]: Value | undefined }).sizeBytes;
}

/** Bytes of the UTF-8 form; counting short strings beats the call into the platform. */
export function byteLength(text: string): number {
  const { length } = text;
  if (length > 64) return Buffer.byteLength(text);
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text);
  }
  return length;
}
