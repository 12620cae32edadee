/**
 * What a tree knows of every subtree: how many items, their digest, and of each measure (the numbers that items carry)
 * how many there are, their exact sum, the smallest and the largest. Summaries form a commutative monoid, so the
 * summary of any range is a fold over few of them. Counts, sums and digests can also be taken away again; extremes
 * cannot, and then the fold is made anew from the parts.
 */
import { compareValues } from "../../../values/index.js";
import { addDigests, digestOf, subtractDigests } from "./digest.js";
import {
  addExactly,
  addSums,
  equalSums,
  SumAccumulator,
  subtractSums,
  sumOf,
  type ExactSum,
} from "./exact-sum.js";
import type { Position } from "./position.js";

/** One measure over a set of items. `min` and `max` are null when none of them has it; a NaN is the largest. */
export interface MeasureSummary {
  readonly count: number;
  readonly sum: ExactSum;
  readonly min: number | null;
  readonly max: number | null;
}

/** A set of items. `digest` is null while it holds keys that only a commit resolves. Measures by position. */
export interface Summary {
  readonly count: number;
  readonly digest: number | null;
  readonly measures: readonly MeasureSummary[];
}

/** An item: its position, and its numbers by measure, null where it has none; the last one is not null. */
export interface Item {
  readonly position: Position;
  readonly values: readonly (number | null)[];
}

/** Drops nulls from the end, as the values of items have none there. */
export function withoutTrailingNulls(values: (number | null)[]): (number | null)[] {
  let { length } = values;
  while (length > 0 && values[length - 1] === null) length--;
  return length === values.length ? values : values.slice(0, length);
}

/** Whether two items have the same values, to the last bit. */
export function equalValues({ values: a }: Item, { values: b }: Item): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

/** A measure that no item has. */
export const noMeasure: MeasureSummary = { count: 0, sum: 0, min: null, max: null };

/** The summary of one item. */
export function summaryOf(item: Item): Summary {
  const { position, values } = item;
  return {
    count: 1,
    digest: position.isUnresolved ? null : digestOf(position.order, values),
    measures: values.map((value) =>
      value === null ? noMeasure : { count: 1, sum: sumOf(value), min: value, max: value },
    ),
  };
}

/** The summary of two disjoint sets together. */
export function combine(a: Summary, b: Summary): Summary {
  return {
    count: a.count + b.count,
    digest: a.digest === null || b.digest === null ? null : addDigests(a.digest, b.digest),
    measures: zipMeasures(a.measures, b.measures, combineMeasures),
  };
}

/** The summary of what is left of `a` without its subset `b`, or null when only a new fold can tell. */
export function subtract(a: Summary, b: Summary): Summary | null {
  if (a.digest === null || b.digest === null) return null;
  for (let index = 0; index < b.measures.length; index++) {
    if (ownsExtreme(a.measures[index] ?? noMeasure, b.measures[index] as MeasureSummary)) return null;
  }
  return {
    count: a.count - b.count,
    digest: subtractDigests(a.digest, b.digest),
    measures: zipMeasures(a.measures, b.measures, subtractMeasures),
  };
}

/** Whether two summaries are equal, to the last bit of their sums and extremes. O(measures). */
export function equalSummaries(a: Summary, b: Summary): boolean {
  if (a.count !== b.count || a.digest !== b.digest) return false;
  const length = Math.max(a.measures.length, b.measures.length);
  for (let index = 0; index < length; index++) {
    const left = a.measures[index] ?? noMeasure;
    const right = b.measures[index] ?? noMeasure;
    if (left.count !== right.count || !Object.is(left.min, right.min) || !Object.is(left.max, right.max)) {
      return false;
    }
    if (!equalSums(left.sum, right.sum)) return false;
  }
  return true;
}

/** Folds many summaries and items into one; sums are brought into their final form once, at the end. */
export class SummaryFold {
  #count = 0;
  #digest: number | null = 0;
  readonly #measures: MeasureFold[] = [];

  add(summary: Summary): void {
    this.#count += summary.count;
    this.#digest =
      this.#digest === null || summary.digest === null ? null : addDigests(this.#digest, summary.digest);
    for (let index = 0; index < summary.measures.length; index++) {
      this.#measure(index).add(summary.measures[index] as MeasureSummary);
    }
  }

  addItem(item: Item): void {
    const { position, values } = item;
    this.#digest =
      this.#digest === null || position.isUnresolved
        ? null
        : addDigests(this.#digest, digestOf(position.order, values));
    this.#addValues(item);
  }

  /** Adds an item without its digest; the digest of the result is unknown then. */
  addUndigested(item: Item): void {
    this.#digest = null;
    this.#addValues(item);
  }

  #addValues({ values }: Item): void {
    this.#count++;
    for (let index = 0; index < values.length; index++) {
      const value = values[index] as number | null;
      if (value !== null) this.#measure(index).addValue(value);
    }
  }

  result(): Summary {
    return {
      count: this.#count,
      digest: this.#digest,
      measures: this.#measures.map((measure) => measure.result()),
    };
  }

  #measure(index: number): MeasureFold {
    while (this.#measures.length <= index) this.#measures.push(new MeasureFold());
    return this.#measures[index] as MeasureFold;
  }
}

class MeasureFold {
  #count = 0;
  /** The total as long as every sum so far is a double. */
  #plain = 0;
  #sum: SumAccumulator | null = null;
  #min: number | null = null;
  #max: number | null = null;

  add(measure: MeasureSummary): void {
    this.#count += measure.count;
    this.#addSum(measure.sum);
    this.#min = smaller(this.#min, measure.min);
    this.#max = larger(this.#max, measure.max);
  }

  addValue(value: number): void {
    this.#count++;
    this.#addSum(Number.isFinite(value) ? value : sumOf(value));
    this.#min = smaller(this.#min, value);
    this.#max = larger(this.#max, value);
  }

  result(): MeasureSummary {
    const sum = this.#sum === null ? this.#plain : this.#sum.result();
    return { count: this.#count, sum, min: this.#min, max: this.#max };
  }

  #addSum(sum: ExactSum): void {
    if (this.#sum === null) {
      const total = typeof sum === "number" ? addExactly(this.#plain, sum) : null;
      if (total !== null) {
        this.#plain = total;
        return;
      }
      this.#sum = new SumAccumulator();
      this.#sum.add(this.#plain);
    }
    this.#sum.add(sum);
  }
}

/** One measure over two disjoint sets together. */
export function combineMeasures(a: MeasureSummary, b: MeasureSummary): MeasureSummary {
  return {
    count: a.count + b.count,
    sum: addSums(a.sum, b.sum),
    min: smaller(a.min, b.min),
    max: larger(a.max, b.max),
  };
}

function subtractMeasures(a: MeasureSummary, b: MeasureSummary): MeasureSummary {
  return { count: a.count - b.count, sum: subtractSums(a.sum, b.sum), min: a.min, max: a.max };
}

/** True when taking `b` out of `a` may change a's smallest or largest value. */
function ownsExtreme(a: MeasureSummary, b: MeasureSummary): boolean {
  return b.count > 0 && (Object.is(a.min, b.min) || Object.is(a.max, b.max));
}

function zipMeasures(
  a: readonly MeasureSummary[],
  b: readonly MeasureSummary[],
  merge: (a: MeasureSummary, b: MeasureSummary) => MeasureSummary,
): readonly MeasureSummary[] {
  if (b.length === 0) return a;
  const length = Math.max(a.length, b.length);
  const merged: MeasureSummary[] = [];
  for (let index = 0; index < length; index++) {
    merged.push(merge(a[index] ?? noMeasure, b[index] ?? noMeasure));
  }
  return merged;
}

function smaller(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  // Neither is less: they are zeros, or one of them is NaN.
  if (a < b) return a;
  if (b < a) return b;
  return compareValues(b, a) < 0 ? b : a;
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  if (a > b) return a;
  if (b > a) return b;
  return compareValues(b, a) > 0 ? b : a;
}
