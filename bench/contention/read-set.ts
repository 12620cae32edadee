/**
 * Keeps what a transaction has read, as Convex does: documents by id, and stretches of indexes, up to the last document that
 * was taken or to the end of the range. A commit conflicts when a document that it changed stands or stood in one of them.
 */
import { compareFields, compareKeys, keyOf, type Change, type Document } from "./documents.js";
import type { Value } from "convex/values";

/** One bound of an index range, in the order in which they were given. */
export interface Bound {
  readonly field: string;
  readonly operator: "eq" | "gt" | "gte" | "lt" | "lte";
  readonly value: Value | undefined;
}

/** A range of an index that was read from one end as far as `until`, which is null when all of it was read. */
export interface Stretch {
  readonly table: string;
  readonly fields: readonly string[];
  readonly bounds: readonly Bound[];
  readonly order: "asc" | "desc";
  until: (Value | undefined)[] | null;
}

export class ReadSet {
  readonly #documents = new Set<string>();
  readonly #stretches: Stretch[] = [];

  addDocument(table: string, id: string): void {
    this.#documents.add(`${table}/${id}`);
  }

  addStretch(stretch: Stretch): void {
    this.#stretches.push(stretch);
  }

  /** True when a commit changed something that was read. */
  meets(changes: readonly Change[]): boolean {
    return changes.some(({ table, before, after }) =>
      [before, after].some(
        (document) =>
          document !== null &&
          (this.#documents.has(`${table}/${document._id}`) ||
            this.#stretches.some((stretch) => stretch.table === table && holds(stretch, document))),
      ),
    );
  }
}

export function isWithin(document: Document, bounds: readonly Bound[]): boolean {
  return bounds.every(({ field, operator, value }) => {
    const order = compareFields(document[field], value);
    if (operator === "eq") return order === 0;
    if (operator === "gt" || operator === "gte") return order > 0 || (order === 0 && operator === "gte");
    return order < 0 || (order === 0 && operator === "lte");
  });
}

function holds({ fields, bounds, order, until }: Stretch, document: Document): boolean {
  if (!isWithin(document, bounds)) return false;
  if (until === null) return true;
  const beyond = compareKeys(keyOf(document, fields), until);
  return order === "asc" ? beyond <= 0 : beyond >= 0;
}
