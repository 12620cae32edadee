/**
 * Records what a transaction has read, as keys and ranges of keys, so cheaply that every read can do it. A scan covers its
 * range only as far as it was consumed. Whether a commit could have changed any of it is worked out later, when somebody asks.
 */
import { prefixEnd } from "../../values/index.js";

/** A part of a scan's range that grows while the scan is consumed. */
export interface Coverage {
  readonly start: string;
  readonly end: string;
  readonly isReverse: boolean;
  /** The last key consumed. */
  last: string | null;
  /** The whole range was consumed. */
  isComplete: boolean;
}

/** From `start` up to, not including, `end`. */
export interface ScannedRange {
  readonly start: string;
  readonly end: string;
}

/** What `ReadSet.intersects` asks of a commit. */
export interface TouchedKeys {
  /** Keys of everything a reader could have found changed: written ones and those of unchanged index entries. */
  readonly touchedKeys: readonly string[];
  /** Every key that begins with one of these was touched. */
  readonly touchedPrefixes: readonly string[];
}

export class ReadSet {
  readonly #keys = new Set<string>();
  readonly #coverages: Coverage[] = [];
  #merged: { start: string; end: string }[] | null = null;

  addKey(key: string): void {
    this.#keys.add(key);
  }

  addCoverage(coverage: Coverage): void {
    this.#merged = null;
    this.#coverages.push(coverage);
  }

  /** The ranges consumed so far, sorted and merged; single keys are in `keys`. O(n log n) the first time. */
  get ranges(): readonly ScannedRange[] {
    this.#merged ??= merge(this.#coverages);
    return this.#merged;
  }

  /** The single keys looked up, found or not. */
  get keys(): ReadonlySet<string> {
    return this.#keys;
  }

  /**
   * Whether the commit may have changed what was read. Call it when the transaction is over.
   * O(keys touched × log ranges + prefixes touched × (keys + ranges)).
   */
  intersects(commit: TouchedKeys): boolean {
    const { ranges } = this;
    for (const key of commit.touchedKeys) {
      if (this.#keys.has(key) || contains(ranges, key)) return true;
    }
    return commit.touchedPrefixes.some((prefix) => this.#readsBelow(prefix));
  }

  #readsBelow(prefix: string): boolean {
    for (const key of this.#keys) if (key.startsWith(prefix)) return true;
    const end = prefixEnd(prefix);
    return this.ranges.some((range) => (end === undefined || range.start < end) && prefix < range.end);
  }
}

function merge(coverages: readonly Coverage[]): { start: string; end: string }[] {
  const ranges: { start: string; end: string }[] = [];
  for (const { start, end, isReverse, last, isComplete } of coverages) {
    if (isComplete) ranges.push({ start, end });
    else if (last !== null) ranges.push(isReverse ? { start: last, end } : { start, end: `${last}\x00` });
  }
  ranges.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const merged: { start: string; end: string }[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous !== undefined && range.start <= previous.end) {
      if (range.end > previous.end) previous.end = range.end;
    } else if (range.start < range.end) {
      merged.push(range);
    }
  }
  return merged;
}

function contains(ranges: readonly ScannedRange[], key: string): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && range.start <= key) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low - 1];
  return range !== undefined && key < range.end;
}
