/** A table as its aggregate sees it: which items documents have, and which operations their changes are. */
import { CommitTsPlaceholder, ConvexError } from "convex/values";
import { encodeKey, isPlainObject } from "../../../../values/index.js";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { Operation } from "../aggregate.js";
import {
  deleteOperation,
  putOperation,
  replaceOperation,
  withBefore,
  type WrittenItem,
} from "../operations.js";
import type { DocumentImages, Source, StoredDocument } from "./types.js";

export class TableSource implements Source {
  readonly component: ComponentApi;
  readonly table: string;
  readonly definition: string;
  readonly #makeItem: (document: StoredDocument) => WrittenItem;

  /** @param makeItem Throws whatever the functions of the definition throw. */
  constructor(
    component: ComponentApi,
    table: string,
    definition: string,
    makeItem: (document: StoredDocument) => WrittenItem,
  ) {
    this.component = component;
    this.table = table;
    this.definition = definition;
    this.#makeItem = makeItem;
  }

  itemOf(document: StoredDocument): WrittenItem {
    return checkedItem(document, this.#makeItem);
  }

  /** The operation that a change of a document is, with what was there before; null when its item stays as it is. */
  operationOf({ oldDoc, newDoc }: DocumentImages): Operation | null {
    const before = oldDoc === null ? null : this.#itemBefore(oldDoc);
    const after = newDoc === null ? null : this.itemOf(newDoc);
    if (after === null) return before && withBefore(deleteOperation("deleteIfExists", before), before);
    if (before === null) return withBefore(putOperation(after), null);
    return isSame(before, after)
      ? null
      : withBefore(replaceOperation("replaceOrInsert", before, after), before);
  }

  /** The item of a document before its change. The functions are pure, so a document that they fail on had no item. */
  #itemBefore(document: StoredDocument): WrittenItem | null {
    try {
      return this.itemOf(document);
    } catch {
      return null;
    }
  }
}

/**
 * The item that functions make of a document. What the component would refuse without naming the document is refused here.
 * @throws AGGREGATE_DOCUMENT_FAILED
 */
export function checkedItem(
  document: StoredDocument,
  makeItem: (document: StoredDocument) => WrittenItem,
): WrittenItem {
  try {
    const item = makeItem(document);
    const { key, namespace, sumValue, sumValues } = item;
    assertValue("sortKey", key);
    if (namespace !== undefined) assertValue("namespace", namespace);
    assertNumber("sumValue", sumValue);
    for (const name in sumValues) assertNumber(`sumValues.${name}`, sumValues[name]);
    return item;
  } catch (error) {
    throw documentFailed(document._id, error);
  }
}

/** Throws unless a function returned a Convex value. O(parts). */
function assertValue(name: string, value: unknown): void {
  const found = findMisfit(value, "", 0);
  if (found === null) return;
  const returned = found.path === "" ? found.word : `${wordFor(value)} with ${found.word} at ${found.path}`;
  throw new Error(`${name} returned ${returned}, which is no value to sort or to group by`);
}

function assertNumber(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "number") {
    throw new Error(`${name} returned ${wordFor(value)}, which is no number`);
  }
}

/** As deep as values may be nested. */
const maxDepth = 64;
const fieldName = /^(?!\$)[\x20-\x7e]*$/;

/** Finds the first part of a value that is no value of Convex. Fields that are undefined are ignored, as Convex does. */
function findMisfit(value: unknown, path: string, depth: number): { path: string; word: string } | null {
  if (isPlainValue(value)) return null;
  if (depth >= maxDepth) return { path, word: "too much nesting" };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = findMisfit(value[index], `${path}[${index}]`, depth + 1);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isPlainObject(value)) {
    return { path, word: wordFor(value) };
  }
  for (const [field, part] of Object.entries(value)) {
    if (part === undefined) continue;
    if (!fieldName.test(field)) return { path, word: "a field whose name is not allowed" };
    const found = findMisfit(part, `${path}.${field}`, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** Whether it is a value that has no parts. */
function isPlainValue(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return true;
    case "bigint":
      return value === BigInt.asIntN(64, value);
    default:
      return value === null || value instanceof ArrayBuffer || value instanceof CommitTsPlaceholder;
  }
}

/** What a value is called in a sentence: "null", "an array", "a Date". */
function wordFor(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "bigint") return isPlainValue(value) ? "a bigint" : "a bigint of more than 64 bits";
  if (typeof value !== "object") return `a ${typeof value}`;
  if (value instanceof Promise) return "a promise";
  if (isPlainObject(value)) return "an object";
  const { name } = value.constructor;
  return name === "" ? "an object of a class" : `${/^[aeio]/i.test(name) ? "an" : "a"} ${name}`;
}

/** Whether two items of one document are the same, to the last bit. */
export function isSame(a: WrittenItem, b: WrittenItem): boolean {
  if (!Object.is(a.sumValue, b.sumValue)) return false;
  for (const name in a.sumValues) if (!Object.is(a.sumValues[name], b.sumValues?.[name])) return false;
  for (const name in b.sumValues) if (!Object.is(a.sumValues?.[name], b.sumValues[name])) return false;
  if (Object.is(a.key, b.key) && Object.is(a.namespace, b.namespace)) return true;
  return encodeKey([a.key, a.namespace]) === encodeKey([b.key, b.namespace]);
}

function documentFailed(documentId: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The aggregate's functions failed on document ${documentId}: ${reason}`;
  return new ConvexError({ code: "AGGREGATE_DOCUMENT_FAILED", message, documentId });
}

/** An error of the component that names an item, as one that names the document, too. Other errors stay as they are. */
export function namingDocument(error: unknown): unknown {
  if (!(error instanceof ConvexError)) return error;
  const data: unknown = error.data;
  if (typeof data !== "object" || data === null || !("id" in data) || typeof data.id !== "string") {
    return error;
  }
  return new ConvexError({ ...data, id: data.id, documentId: data.id });
}
