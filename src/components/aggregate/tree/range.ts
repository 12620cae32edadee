/**
 * Bounds, as callers state them, turned into half-open ranges of encoded positions. A key's encoding is a prefix of
 * the encodings of its items' positions, and a prefix of an array is, but for its closing byte, a prefix of theirs.
 */
import type { Value } from "convex/values";
import { encodeKey, tupleEnd } from "../../../values/index.js";

/** One side of a range: every item of the key, or just the one with the id, is within when `inclusive`. */
export interface KeyBound {
  readonly key: Value;
  readonly id?: string | undefined;
  readonly inclusive?: boolean | undefined;
}

/** A range of keys: one key, the arrays that start with a prefix, or what lies between two bounds. */
export interface KeyBounds {
  readonly eq?: Value | undefined;
  readonly prefix?: readonly Value[] | undefined;
  readonly lower?: KeyBound | undefined;
  readonly upper?: KeyBound | undefined;
}

/** The positions `start <= order < end`; an end of null is open, a start of "" is too. */
export interface OrderRange {
  readonly start: string;
  readonly end: string | null;
}

const everything: OrderRange = { start: "", end: null };

/** The range that bounds describe: all items when there are none. `eq` comes before `prefix`, and it before the sides. */
export function rangeOf(bounds: KeyBounds | undefined): OrderRange {
  if (bounds === undefined) return everything;
  if (bounds.eq !== undefined) return rangeOfPrefix(encodeKey([bounds.eq]));
  if (bounds.prefix !== undefined) return rangeOfPrefix(encodeKey([[...bounds.prefix]]).slice(0, -1));
  const { lower, upper } = bounds;
  return {
    start: lower === undefined ? "" : lower.inclusive === true ? startOf(lower) : endOf(lower),
    end: upper === undefined ? null : upper.inclusive === true ? endOf(upper) : startOf(upper),
  };
}

/** What is common to two ranges; it may be empty. */
export function intersect(a: OrderRange, b: OrderRange): OrderRange {
  const end = a.end === null ? b.end : b.end === null || a.end < b.end ? a.end : b.end;
  return { start: a.start > b.start ? a.start : b.start, end };
}

/** The encoded order that no item of the key, or the item with the id, precedes. */
export function startOf(bound: Pick<KeyBound, "key" | "id">): string {
  return encodeKey(bound.id === undefined ? [bound.key] : [bound.key, bound.id]);
}

/** The encoded order that every item of the key, or the item with the id, precedes. */
export function endOf(bound: Pick<KeyBound, "key" | "id">): string {
  return tupleEnd(startOf(bound));
}

function rangeOfPrefix(prefix: string): OrderRange {
  return { start: prefix, end: tupleEnd(prefix) };
}
