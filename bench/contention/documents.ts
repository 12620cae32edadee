/**
 * Keeps the documents of one component, and the order of its indexes. What a transaction wrote lies over them until it commits;
 * then the commit's timestamp replaces the placeholder.
 */
import { compareValues, jsonToConvex, type Value } from "convex/values";

export type Fields = Record<string, Value | undefined>;
export type Document = Fields & { readonly _id: string; readonly _creationTime: number };

/** The document before and after one write; null where there is none. */
export interface Change {
  readonly table: string;
  readonly before: Document | null;
  readonly after: Document | null;
}

/** The placeholder in a document for the timestamp of the commit to come. */
export const commitTimestampField: unknown = jsonToConvex({ $commitTs: null });

/** The names of an index's fields, by table and index. */
export type Indexes = ReadonlyMap<string, readonly string[]>;

/** Documents by table and id. */
export class Documents {
  readonly #tables = new Map<string, Map<string, Document>>();

  get(table: string, id: string): Document | null {
    return this.#tables.get(table)?.get(id) ?? null;
  }

  all(table: string): Iterable<Document> {
    return this.#tables.get(table)?.values() ?? [];
  }

  /** Applies the writes of a commit, with its timestamp in place of the placeholder. Returns what was stored. */
  commit(changes: readonly Change[], commitTs: bigint): Change[] {
    return changes.map(({ table, before, after }) => {
      const stored = after === null ? null : (resolved(after, commitTs) as Document);
      const documents = this.#tables.get(table) ?? new Map<string, Document>();
      this.#tables.set(table, documents);
      if (stored !== null) documents.set(stored._id, stored);
      else if (before !== null) documents.delete(before._id);
      return { table, before, after: stored };
    });
  }
}

/** What a document is sorted by in an index. */
export function keyOf(document: Document, fields: readonly string[]): (Value | undefined)[] {
  return [...fields.map((field) => document[field]), document._creationTime, document._id];
}

export function compareKeys(a: readonly (Value | undefined)[], b: readonly (Value | undefined)[]): number {
  for (const [index, value] of a.entries()) {
    const order = compareFields(value, b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** The order of values; the placeholder comes after all of them. */
export function compareFields(a: Value | undefined, b: Value | undefined): number {
  if (isPlaceholder(a) || isPlaceholder(b)) return Number(isPlaceholder(a)) - Number(isPlaceholder(b));
  return compareValues(a, b);
}

/** A copy that its owner may change. */
export function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each: unknown) => copyOf(each)) as T;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copyOf(each)])) as T;
}

function resolved(value: unknown, commitTs: bigint): unknown {
  if (isPlaceholder(value)) return commitTs;
  if (Array.isArray(value)) return value.map((each) => resolved(each, commitTs));
  if (!isPlainObject(value)) return value;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(fields.map(([name, each]) => [name, resolved(each, commitTs)]));
}

function isPlaceholder(value: unknown): boolean {
  return value === commitTimestampField;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
