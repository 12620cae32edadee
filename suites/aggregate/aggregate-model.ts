/**
 * Models an aggregate as plainly as can be: as a sorted array for each namespace. Sums are made of whole numbers and rounded
 * by parsing their decimal expansion, so that nothing here is shared with the aggregate's own arithmetic.
 */
import type { Value } from "convex/values";
import { compareValues } from "../../src/values/index.js";

export interface ModelItem {
  readonly key: Value;
  readonly id: string;
  readonly sumValue: number;
}

interface ModelBound {
  readonly key: Value;
  readonly id?: string | undefined;
  readonly inclusive: boolean;
}

export type ModelBounds =
  | { readonly lower?: ModelBound | undefined; readonly upper?: ModelBound | undefined }
  | { readonly prefix: Value[] }
  | { readonly eq: Value };

/** One write, in the words of the classes' methods. */
export type ModelWrite =
  | {
      readonly type: "insert" | "insertIfDoesNotExist";
      readonly namespace: Value | undefined;
      readonly item: ModelItem;
    }
  | {
      readonly type: "delete" | "deleteIfExists";
      readonly namespace: Value | undefined;
      readonly item: ModelItem;
    }
  | {
      readonly type: "replace" | "replaceOrInsert";
      readonly namespace: Value | undefined;
      readonly item: ModelItem;
      readonly newNamespace: Value | undefined;
      readonly newItem: ModelItem;
    };

export type Order = "asc" | "desc";

/** The code of the error that a write is refused with. */
export type Refusal = "DELETE_MISSING_KEY" | "DUPLICATE_KEY";

export class AggregateModel {
  readonly #namespaces: { namespace: Value | undefined; items: ModelItem[] }[] = [];

  /** Applies a write as a whole, or returns why it is refused. */
  write(write: ModelWrite): Refusal | null {
    const { type, namespace, item } = write;
    const current = this.#items(namespace);
    const at = indexOfItem(current, item);
    switch (type) {
      case "insert":
        if (at >= 0) return "DUPLICATE_KEY";
        add(current, item);
        return null;
      case "insertIfDoesNotExist":
        if (at >= 0) current.splice(at, 1);
        add(current, item);
        return null;
      case "delete":
      case "deleteIfExists":
        if (at >= 0) current.splice(at, 1);
        return at < 0 && type === "delete" ? "DELETE_MISSING_KEY" : null;
      case "replace":
      case "replaceOrInsert": {
        if (at < 0 && type === "replace") return "DELETE_MISSING_KEY";
        const target = this.#items(write.newNamespace);
        const taken = indexOfItem(target, write.newItem);
        if (taken >= 0 && !(target === current && taken === at)) return "DUPLICATE_KEY";
        if (at >= 0) current.splice(at, 1);
        add(target, write.newItem);
        return null;
      }
    }
  }

  /** The items within bounds, in order. */
  within(namespace: Value | undefined, bounds?: ModelBounds): ModelItem[] {
    return this.#items(namespace).filter((item) => bounds === undefined || isWithin(item, bounds));
  }

  /**
   * The rank of a key: how many items from the lower end of the bounds up to it, or with the order "desc", from it up to
   * the upper end. The other end does not matter.
   */
  rank(
    namespace: Value | undefined,
    bounds: ModelBounds,
    key: Value,
    id: string | undefined,
    order: Order,
  ): number {
    const target = { key, id, inclusive: false };
    const counts = (item: ModelItem) =>
      order === "asc"
        ? !isBefore(item, bounds) && isBelow(item, target)
        : !isAfter(item, bounds) && isAbove(item, target);
    return this.#items(namespace).filter(counts).length;
  }

  /** Every item with its namespace. */
  everything(): { namespace: Value | undefined; item: ModelItem }[] {
    return this.#namespaces.flatMap(({ namespace, items }) => items.map((item) => ({ namespace, item })));
  }

  #items(namespace: Value | undefined): ModelItem[] {
    const found = this.#namespaces.find((candidate) => compareValues(candidate.namespace, namespace) === 0);
    if (found) return found.items;
    const items: ModelItem[] = [];
    this.#namespaces.push({ namespace, items });
    return items;
  }
}

/** The true sum of doubles, correctly rounded. */
export function trueSum(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return NaN;
  const infinities = new Set(values.filter((value) => Math.abs(value) === Infinity));
  if (infinities.size > 0) return infinities.size > 1 ? NaN : ([...infinities][0] ?? NaN);
  const units = values.reduce((sum, value) => sum + unitsOf(value), 0n);
  return Number(`${units * 5n ** 1074n}e-1074`);
}

/** A double as a whole number of 2^-1074, the smallest of them. */
function unitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = bits >> 52n;
  const fraction = bits & (2n ** 52n - 1n);
  const units = exponent === 0n ? fraction : (fraction + 2n ** 52n) * 2n ** (exponent - 1n);
  return value < 0 ? -units : units;
}

function add(items: ModelItem[], item: ModelItem): void {
  items.push(item);
  items.sort((a, b) => compareValues(a.key, b.key) || compareValues(a.id, b.id));
}

function indexOfItem(items: readonly ModelItem[], { key, id }: ModelItem): number {
  return items.findIndex((item) => item.id === id && compareValues(item.key, key) === 0);
}

function isWithin(item: ModelItem, bounds: ModelBounds): boolean {
  return !isBefore(item, bounds) && !isAfter(item, bounds);
}

/** True when an item lies before everything within the bounds. */
function isBefore(item: ModelItem, bounds: ModelBounds): boolean {
  if ("eq" in bounds) return compareValues(item.key, bounds.eq) < 0;
  if ("prefix" in bounds) return compareValues(item.key, bounds.prefix) < 0;
  return bounds.lower !== undefined && !isAbove(item, bounds.lower);
}

/** True when an item lies after everything within the bounds. */
function isAfter(item: ModelItem, bounds: ModelBounds): boolean {
  if ("eq" in bounds) return compareValues(item.key, bounds.eq) > 0;
  if ("prefix" in bounds) {
    return compareValues(item.key, bounds.prefix) > 0 && !startsWith(item.key, bounds.prefix);
  }
  return bounds.upper !== undefined && !isBelow(item, bounds.upper);
}

function startsWith(key: Value, prefix: Value[]): boolean {
  return Array.isArray(key) && compareValues(key.slice(0, prefix.length), prefix) === 0;
}

function isAbove(item: ModelItem, bound: ModelBound): boolean {
  const order = compareToBound(item, bound);
  return order > 0 || (order === 0 && bound.inclusive);
}

function isBelow(item: ModelItem, bound: ModelBound): boolean {
  const order = compareToBound(item, bound);
  return order < 0 || (order === 0 && bound.inclusive);
}

/** A bound without an id is at every item of its key. */
function compareToBound(item: ModelItem, { key, id }: ModelBound): number {
  return compareValues(item.key, key) || (id === undefined ? 0 : compareValues(item.id, id));
}
