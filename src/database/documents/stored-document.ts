/** A document as transactions and the cache hold it, with what is asked of it again and again. */
import { CommitTsPlaceholder, type Value } from "convex/values";
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
