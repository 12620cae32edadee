/**
 * Prepares the fields of a write in one pass: checks that they are Convex values within the limits of a document, copies them
 * (the caller keeps what it passed), sorts them by name and measures them.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { type ErrorCode, shown, TrueupError } from "../../errors/index.js";
import { isPlainObject } from "../../values/index.js";
import type { Document, Fields } from "./document.js";
import { byteLength, type StoredDocument } from "./stored-document.js";

/** Convex's limits of one document. */
export const documentLimits = {
  sizeBytes: 1_048_576,
  nesting: 16,
  arrayLength: 8192,
  objectFields: 1024,
  fieldNameLength: 1024,
} as const;

const underscore = 0x5f;
const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

// What the pass under way has found. It calls nothing that could begin another pass.
let sizeBytes = 0;
let isFlat = true;
let awaitsCommit = false;

/**
 * The document of these fields. System fields among them are replaced by the given ones, and fields that are undefined
 * are left out. O(size).
 * @param shape The number of the shape that the fields are in.
 * @throws INVALID_VALUE, INVALID_FIELD_NAME, DOCUMENT_TOO_LARGE
 */
export function prepareDocument(
  fields: Fields,
  id: string,
  creationTime: number,
  shape: number,
): StoredDocument {
  sizeBytes = 2;
  isFlat = true;
  awaitsCommit = false;
  const document = {} as Document;
  let hasSystemFields = false;
  for (const name of sortedNames(fields, "")) {
    if (name >= "_" && !hasSystemFields) {
      document._creationTime = creationTime;
      document._id = id;
      hasSystemFields = true;
    }
    const value = fields[name];
    if (value === undefined) continue;
    if (name.charCodeAt(0) !== underscore) setField(document, name, copyField(value, name, "", 2));
    else if (name !== "_id" && name !== "_creationTime") throw reservedName(name);
  }
  if (!hasSystemFields) {
    document._creationTime = creationTime;
    document._id = id;
  }
  sizeBytes += 13 + 1 + 9 + 3 + 1 + 2 + byteLength(id);
  if (sizeBytes > documentLimits.sizeBytes) {
    throw refuse(
      "DOCUMENT_TOO_LARGE",
      `Value is too large (${(sizeBytes / (1 << 20)).toFixed(2)} MiB > maximum size 1 MiB)`,
      { sizeBytes, maximum: documentLimits.sizeBytes },
    );
  }
  return { document, sizeBytes, isFlat, awaitsCommit, shape, source: null };
}

function copyField(value: unknown, name: string, path: string, depth: number): Value {
  sizeBytes += byteLength(name) + 1;
  return copyValue(value, name, path, depth);
}

/** `name` and `path` say where in the document the value stands; `depth` is the nesting of a container there. */
function copyValue(value: unknown, name: string, path: string, depth: number): Value {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw notAValue("A string with half a character is no value", name, path);
      sizeBytes += 2 + byteLength(value);
      return value;
    case "number":
      sizeBytes += 9;
      return value;
    case "boolean":
      sizeBytes += 1;
      return value;
    case "bigint":
      if (value > maxInt64 || value < minInt64) {
        throw notAValue(`BigInt ${value} does not fit into a 64-bit signed integer`, name, path);
      }
      sizeBytes += 9;
      return value;
    case "object":
      if (value === null) {
        sizeBytes += 1;
        return null;
      }
      return copyObject(value, name, path, depth);
    default:
      throw notAValue(`${typeof value} is not a supported Convex type`, name, path);
  }
}

function copyObject(value: object, name: string, path: string, depth: number): Value {
  isFlat = false;
  if (value instanceof ArrayBuffer || isForeignBuffer(value)) {
    sizeBytes += 2 + value.byteLength;
    return new Uint8Array(new Uint8Array(value)).buffer;
  }
  if (value instanceof CommitTsPlaceholder) {
    awaitsCommit = true;
    sizeBytes += 9;
    return value;
  }
  if (depth > documentLimits.nesting) {
    throw refuse(
      "INVALID_VALUE",
      `Document is too nested (nested more than ${documentLimits.nesting} levels deep)${at(name, path)}`,
      { path: `${path}.${name}`, maximum: documentLimits.nesting },
    );
  }
  sizeBytes += 2;
  const here = `${path}.${name}`;
  if (Array.isArray(value)) return copyArray(value, here, depth);
  if (!isPlainObject(value)) {
    throw notAValue(`${describeClass(value)} is not a supported Convex type`, name, path);
  }
  const copy: { [field: string]: Value } = {};
  for (const field of sortedNames(value, here)) {
    const item = value[field];
    if (item !== undefined) setField(copy, field, copyField(item, field, here, depth + 1));
  }
  return copy;
}

function copyArray(items: readonly unknown[], path: string, depth: number): Value[] {
  if (items.length > documentLimits.arrayLength) {
    throw refuse(
      "INVALID_VALUE",
      `Array length is too long (${items.length} > maximum length ${documentLimits.arrayLength}) at ${path}`,
      { path, length: items.length, maximum: documentLimits.arrayLength },
    );
  }
  const copy: Value[] = [];
  for (let index = 0; index < items.length; index++) {
    copy.push(copyValue(items[index], String(index), path, depth + 1));
  }
  return copy;
}

function setField(target: { [name: string]: Value | undefined }, name: string, value: Value): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function sortedNames(fields: Fields, path: string): string[] {
  const names = Object.keys(fields);
  if (names.length > documentLimits.objectFields) {
    throw refuse(
      "INVALID_VALUE",
      `Object has too many fields (${names.length} > maximum number ${documentLimits.objectFields})${path && ` at ${path}`}`,
      { path, fields: names.length, maximum: documentLimits.objectFields },
    );
  }
  let isSorted = true;
  let previous = "";
  for (const name of names) {
    if (!knownNames.has(name)) checkName(name, path);
    if (name < previous) isSorted = false;
    previous = name;
  }
  return isSorted ? names : names.sort();
}

/** Names that have been checked: documents repeat the same few. */
const knownNames = new Set<string>();
const maxKnownNames = 10_000;
const fieldName = /^(?!\$)[ -~]*$/;

function checkName(name: string, path: string): void {
  if (name.length > documentLimits.fieldNameLength || !fieldName.test(name)) {
    const shown = JSON.stringify(name.slice(0, 80));
    throw refuse(
      "INVALID_FIELD_NAME",
      `Field name ${shown}${path && ` at ${path}`} must consist of printable ASCII characters, must not start with "$" and has at most ${documentLimits.fieldNameLength} characters.`,
      { field: name.slice(0, 200), path },
    );
  }
  if (knownNames.size < maxKnownNames) knownNames.add(name);
}

function reservedName(name: string): TrueupError {
  return refuse(
    "INVALID_FIELD_NAME",
    `Field "${shown(name)}" starts with an underscore, which is only allowed for system fields like "_id".`,
    { field: name.slice(0, 200) },
  );
}

function isForeignBuffer(value: object): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

function describeClass(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}

function at(name: string, path: string): string {
  return ` at ${path}.${name}`;
}

function notAValue(message: string, name: string, path: string): TrueupError {
  return refuse("INVALID_VALUE", `${message}${at(name, path)}`, { path: `${path}.${name}` });
}

function refuse(code: ErrorCode, message: string, details: Record<string, unknown>): TrueupError {
  return new TrueupError(code, message, details);
}
