/** A table as its managed aggregate sees it: what documents, and changes of them, are to the aggregate. */
import { ConvexError, type Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { Operation } from "../aggregate.js";
import { deleteOperation, putOperation, replaceOperation, type WrittenItem } from "../operations.js";
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
    try {
      const item = this.#makeItem(document);
      assertComplete(item);
      return item;
    } catch (error) {
      throw documentFailed(this.table, document._id, error);
    }
  }

  /** What a change of a document changes in the aggregate: nothing, if its item stays as it is. */
  operationOf({ oldDoc, newDoc }: DocumentImages): Operation | null {
    const before = oldDoc === null ? null : this.#itemBefore(oldDoc);
    const after = newDoc === null ? null : this.itemOf(newDoc);
    if (after === null) return before && deleteOperation("deleteIfExists", before);
    if (before === null) return putOperation(after);
    return isSame(before, after) ? null : replaceOperation("replaceOrInsert", before, after);
  }

  /** The functions are pure: a document that they fail on now has never had an item. */
  #itemBefore(document: StoredDocument): WrittenItem | null {
    try {
      return this.itemOf(document);
    } catch {
      return null;
    }
  }
}

/** Refuses here, where the document is known, what the component would refuse without naming it, or never be given. */
function assertComplete({ key, sumValue, sumValues }: WrittenItem): void {
  if ((key as Value | undefined) === undefined) throw new Error("sortKey returned undefined");
  if ((key as unknown) instanceof Promise) throw new Error("sortKey returned a promise");
  if (!isNumeric(sumValue)) throw new Error(`sumValue returned a ${typeof sumValue}`);
  for (const name in sumValues) {
    const value = sumValues[name];
    if (!isNumeric(value)) throw new Error(`sumValues.${name} returned a ${typeof value}`);
  }
}

function isNumeric(value: unknown): boolean {
  return value === undefined || typeof value === "number";
}

function isSame(a: WrittenItem, b: WrittenItem): boolean {
  if (!Object.is(a.sumValue, b.sumValue)) return false;
  const names = new Set([...Object.keys(a.sumValues ?? {}), ...Object.keys(b.sumValues ?? {})]);
  for (const name of names) if (!Object.is(a.sumValues?.[name], b.sumValues?.[name])) return false;
  return encodeKey([a.key, a.namespace]) === encodeKey([b.key, b.namespace]);
}

function documentFailed(table: string, documentId: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The aggregate's functions failed on document ${documentId} of ${table}: ${reason}`;
  return new ConvexError({ code: "AGGREGATE_DOCUMENT_FAILED", message, documentId });
}
