/**
 * Buckets: consecutive ranges that together hold every item of every namespace, each with a count and a digest. The same
 * figures come from two sides, once added up item by item, and once folded from a tree in O(log n); where they agree,
 * both sides hold the same items. A bucket may span many small namespaces or be a part of one, because its ends are
 * places: a namespace's encoding followed by a position's. Neither is the beginning of another of its kind, so places
 * stand in the order of namespaces, then of positions.
 */
import type { OrderRange } from "./range.js";
import { scaleDigest } from "./digest.js";
import type { Summary } from "./summary.js";

/** The ends of buckets, ascending: bucket 0 ends at the first of them, the last bucket has no end. */
export type Separators = readonly string[];

/** Which bucket a place falls in. O(log buckets). */
export function bucketAt(separators: Separators, place: string): number {
  let low = 0;
  let high = separators.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((separators[middle] as string) <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part of a bucket that lies in a namespace, or null when nothing of it can. */
export function bucketRange(separators: Separators, bucket: number, namespace: string): OrderRange | null {
  const start = bucket === 0 ? "" : clipPlace(separators[bucket - 1] as string, namespace);
  const end = bucket === separators.length ? null : clipPlace(separators[bucket] as string, namespace);
  return start === null || end === "" ? null : { start, end };
}

/** A place as a position within a namespace: "" for what lies before the namespace, null for what lies behind it. */
function clipPlace(place: string, namespace: string): string | null {
  if (place.startsWith(namespace)) return place.slice(namespace.length);
  return place < namespace ? "" : null;
}

/** What is in each bucket. */
export interface BucketSums {
  readonly counts: number[];
  /** Null where an item's key is known only after the commit of its transaction. */
  readonly digests: (number | null)[];
}

/** The sums of no items. */
export function emptySums(separators: Separators): BucketSums {
  const size = separators.length + 1;
  return { counts: Array<number>(size).fill(0), digests: Array<number>(size).fill(0) };
}

/**
 * Adds items of a namespace to a bucket.
 * @param factor That of the namespace (`factorOf`): so items of different namespaces have different digests there.
 */
export function addToBucket(
  { counts, digests }: BucketSums,
  bucket: number,
  factor: number,
  { count, digest }: Pick<Summary, "count" | "digest">,
): void {
  counts[bucket] = (counts[bucket] ?? 0) + count;
  const before = digests[bucket] ?? null;
  digests[bucket] = before === null || digest === null ? null : scaleDigest(digest, factor, before);
}

/** The buckets whose figures differ between the two sides. A digest that is unknown counts as different. */
export function differingBuckets(a: BucketSums, b: BucketSums): number[] {
  return a.counts.flatMap((count, bucket) => {
    const digest = a.digests[bucket] ?? null;
    return digest !== null && count === b.counts[bucket] && digest === b.digests[bucket] ? [] : [bucket];
  });
}

/** How many separators are collected at most. */
const maxSeparators = 1023;
/** The fewest items that are worth a bucket of their own. */
const minStride = 64;
const maxSeparatorChars = 256;

/** What has been collected so far: a Convex value, so that it goes on in another transaction. */
export interface CollectorState {
  readonly separators: string[];
  /** How many items a bucket is to have. */
  readonly stride: number;
  /** How many items there are behind the last separator. */
  readonly behind: number;
  /** The last place of what was taken up, "" at the beginning. */
  readonly last: string;
}

export const nothingCollected: CollectorState = { separators: [], stride: minStride, behind: 0, last: "" };

/**
 * Picks separators at even ranks from runs of items that come by in order, whose number is not known beforehand: when there
 * are too many, every other one goes, and buckets are twice as large from then on.
 */
export class SeparatorCollector {
  #separators: string[];
  #stride: number;
  #behind: number;
  #last: string;

  constructor({ separators, stride, behind, last }: CollectorState) {
    this.#separators = [...separators];
    this.#stride = stride;
    this.#behind = behind;
    this.#last = last;
  }

  /** Takes up the next run of items: the places of its first and last one, and how many it has. */
  take(first: string, last: string, count: number): void {
    if (this.#behind >= this.#stride) this.#separate(first);
    this.#behind += count;
    if (last > this.#last) this.#last = last;
  }

  /** What has been collected so far. */
  state(): CollectorState {
    const [separators, stride, behind, last] = [this.#separators, this.#stride, this.#behind, this.#last];
    return { separators: [...separators], stride, behind, last };
  }

  #separate(first: string): void {
    const separator = shortestBetween(this.#last, first);
    // Items out of order are damage. A separator that is too long would cost more than a larger bucket.
    if (separator === null || separator.length > maxSeparatorChars) return;
    this.#separators.push(separator);
    this.#behind = 0;
    if (this.#separators.length <= maxSeparators) return;
    this.#separators = this.#separators.filter((_, index) => index % 2 === 1);
    this.#stride *= 2;
  }
}

/** The shortest string that is above `low` and not above `high`; null when there is none. */
function shortestBetween(low: string, high: string): string | null {
  if (low >= high) return null;
  let common = 0;
  while (common < low.length && low[common] === high[common]) common++;
  return high.slice(0, common + 1);
}
