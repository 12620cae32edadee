/** A document as transactions and the cache hold it, with what is asked of it again and again. */
import type { Value } from "convex/values";
import { parseValue } from "../../values/index.js";
import type { Document } from "../document.js";
import { measure } from "./measure.js";

/** Never changed and never handed out: `copyDocument` makes what readers get. */
export interface StoredDocument {
  readonly document: Document;
  /** Convex's size of the document in bytes, system fields included. */
  readonly sizeBytes: number;
  /** No field holds an object, an array or bytes, so a shallow copy is a copy. */
  readonly isFlat: boolean;
  /** A commit timestamp is still to be filled in. */
  readonly awaitsCommit: boolean;
}

/** The stored document of its JSON text. O(size). @throws INVALID_VALUE when the text is damaged. */
export function decodeDocument(text: string): StoredDocument {
  const document = parseValue(text) as Document;
  const { sizeBytes, isFlat } = measure(document);
  return { document, sizeBytes, isFlat, awaitsCommit: false };
}

/** A copy that is the receiver's own. O(size). */
export function copyDocument(stored: StoredDocument): Document {
  if (stored.isFlat) return { ...stored.document };
  const copy = {} as Document;
  for (const name in stored.document) {
    const field = stored.document[name];
    const copied = typeof field === "object" && field !== null ? copyNested(field) : field;
    if (name === "__proto__") define(copy, copied);
    else copy[name] = copied;
  }
  return copy;
}

function copyNested(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy: Value[] = [];
    for (const item of value) {
      copy.push(typeof item === "object" && item !== null ? copyNested(item) : item);
    }
    return copy;
  }
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const copy: { [name: string]: Value | undefined } = {};
  const fields = value as { [name: string]: Value | undefined };
  for (const name in fields) {
    const field = fields[name];
    const copied = typeof field === "object" && field !== null ? copyNested(field) : field;
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
