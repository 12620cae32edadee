/**
 * The order of values, stated directly: the sign of `compareValues(a, b)` is the order of
 * `encodeKey([a])` and `encodeKey([b])` without building either. Differs from `compareValues` of
 * `convex/values` only where that one tells NaNs apart by their bits, and in that a field whose value is
 * undefined counts as absent here, as it does in every stored document.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { maxInt64 } from "./encode-key.js";

/** Negative when `a` sorts before `b`, zero when they are equal, positive otherwise. O(size of the smaller). */
export function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  const rankA = rankOf(a);
  const rankB = rankOf(b);
  if (rankA !== rankB) return rankA - rankB;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (rankA === int64Tag) return compareBigints(bigintOf(a), bigintOf(b));
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) return compareBytes(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (isObject(a) && isObject(b)) return compareObjects(a, b);
  return 0;
}

const int64Tag = 2;

function rankOf(value: Value | undefined): number {
  switch (typeof value) {
    case "undefined":
      return 0;
    case "bigint":
      return int64Tag;
    case "number":
      return 3;
    case "boolean":
      return 4;
    case "string":
      return 5;
    default:
      if (value === null) return 1;
      if (value instanceof CommitTsPlaceholder) return int64Tag;
      if (value instanceof ArrayBuffer) return 6;
      return Array.isArray(value) ? 7 : 8;
  }
}

/** An unresolved commit timestamp sorts above every one that exists. */
function bigintOf(value: Value | undefined): bigint {
  return typeof value === "bigint" ? value : maxInt64;
}

function isObject(value: Value | undefined): value is { [key: string]: Value | undefined } {
  return typeof value === "object" && value !== null && rankOf(value) === 8;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By UTF-8 bytes, which is by code points: UTF-16 puts the surrogates below U+E000 and UTF-8 above. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  if (index === length) return a.length - b.length;
  const unitA = a.charCodeAt(index);
  const unitB = b.charCodeAt(index);
  if (unitA < 0xd800 && unitB < 0xd800) return unitA - unitB;
  // The difference may lie in the second half of a pair; a first half that stands alone in both decides nothing.
  const isAfterHalf = index > 0 && isHighSurrogate(a.charCodeAt(index - 1));
  return (isAfterHalf && comparePoints(a, b, index - 1)) || comparePoints(a, b, index);
}

function comparePoints(a: string, b: string, index: number): number {
  return (a.codePointAt(index) ?? 0) - (b.codePointAt(index) ?? 0);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function compareBytes(a: ArrayBuffer, b: ArrayBuffer): number {
  const bytesA = new Uint8Array(a);
  const bytesB = new Uint8Array(b);
  const length = Math.min(bytesA.length, bytesB.length);
  for (let index = 0; index < length; index++) {
    const difference = (bytesA[index] as number) - (bytesB[index] as number);
    if (difference !== 0) return difference;
  }
  return bytesA.length - bytesB.length;
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const order = compareValues(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

type ValueObject = { [key: string]: Value | undefined };

function compareObjects(a: ValueObject, b: ValueObject): number {
  const namesA = presentFields(a);
  const namesB = presentFields(b);
  const length = Math.min(namesA.length, namesB.length);
  for (let index = 0; index < length; index++) {
    const nameA = namesA[index] as string;
    const nameB = namesB[index] as string;
    const order = compareStrings(nameA, nameB) || compareValues(a[nameA], b[nameB]);
    if (order !== 0) return order;
  }
  return namesA.length - namesB.length;
}

function presentFields(value: ValueObject): string[] {
  return Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort();
}
