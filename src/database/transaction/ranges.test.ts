/** Read sets by their keys and ranges alone: how ranges are merged, and what touches them. */
import { expect, test } from "vitest";
import { ReadSet, type Coverage } from "./read-set.js";

const whole = (start: string, end: string): Coverage => ({
  ...{ start, end, isReverse: false, last: null },
  isComplete: true,
});
const part = (start: string, end: string, last: string | null, isReverse = false): Coverage => ({
  ...{ start, end, isReverse, last },
  isComplete: false,
});

function readSetOf(...coverages: readonly Coverage[]): ReadSet {
  const readSet = new ReadSet();
  for (const one of coverages) readSet.addCoverage(one);
  return readSet;
}

const touches = (readSet: ReadSet, key: string): boolean =>
  readSet.intersects({ touchedKeys: [key], touchedPrefixes: [] });
const touchesBelow = (readSet: ReadSet, prefix: string): boolean =>
  readSet.intersects({ touchedKeys: [], touchedPrefixes: [prefix] });

test("a range that was consumed in part ends behind the last key, or begins with it from the other end", () => {
  expect(readSetOf(part("b", "f", "d")).ranges).toEqual([{ start: "b", end: "d\0" }]);
  expect(readSetOf(part("b", "f", "d", true)).ranges).toEqual([{ start: "d", end: "f" }]);
  expect(readSetOf(part("b", "f", null)).ranges).toEqual([]);
  expect(readSetOf(whole("b", "f")).ranges).toEqual([{ start: "b", end: "f" }]);
});

test("ranges are sorted, and merged where they overlap or meet", () => {
  expect(readSetOf(whole("m", "p"), whole("a", "c"), whole("e", "g")).ranges).toEqual([
    { start: "a", end: "c" },
    { start: "e", end: "g" },
    { start: "m", end: "p" },
  ]);
  expect(readSetOf(whole("c", "e"), whole("a", "c")).ranges).toEqual([{ start: "a", end: "e" }]);
  expect(readSetOf(whole("a", "z"), whole("c", "d")).ranges).toEqual([{ start: "a", end: "z" }]);
  expect(readSetOf(whole("a", "d"), whole("b", "f"), whole("b", "c")).ranges).toEqual([
    { start: "a", end: "f" },
  ]);
  expect(readSetOf(whole("a", "b"), whole("a", "c"), whole("a", "a")).ranges).toEqual([
    { start: "a", end: "c" },
  ]);
});

test("an empty range covers nothing", () => {
  expect(readSetOf(whole("d", "d"), whole("f", "e")).ranges).toEqual([]);
  expect(readSetOf(whole("a", "c"), whole("d", "d")).ranges).toEqual([{ start: "a", end: "c" }]);
});

test("a range that comes, or grows, after a look counts in the next one", () => {
  const readSet = readSetOf(whole("a", "b"));
  expect(readSet.ranges).toHaveLength(1);
  readSet.addCoverage(whole("d", "e"));
  expect(readSet.ranges).toHaveLength(2);
  expect(readSet.ranges).toBe(readSet.ranges);
});

test("a key touches the ranges that it lies in: from the start on, and not at the end", () => {
  const readSet = readSetOf(whole("b", "d"), whole("f", "h"), whole("k", "m"));
  const inside = ["b", "bz", "c", "f", "g", "k", "lz"];
  const outside = ["", "a", "az", "d", "e", "h", "j", "m", "z"];
  expect(inside.filter((key) => !touches(readSet, key))).toEqual([]);
  expect(outside.filter((key) => touches(readSet, key))).toEqual([]);
  expect(touches(new ReadSet(), "a")).toBe(false);
});

test("a single key is touched by itself, and by everything below a prefix of it", () => {
  const readSet = new ReadSet();
  readSet.addKey("table 1");
  expect([...readSet.keys]).toEqual(["table 1"]);
  expect([touches(readSet, "table 1"), touches(readSet, "table 2"), touches(readSet, "table")]).toEqual([
    true,
    false,
    false,
  ]);
  expect([touchesBelow(readSet, "table"), touchesBelow(readSet, "tab"), touchesBelow(readSet, "x")]).toEqual([
    true,
    true,
    false,
  ]);
});

test("everything below a prefix touches the ranges that have some of it", () => {
  const readSet = readSetOf(whole("bb", "bd"));
  const touching = ["", "b", "bb", "bba", "bc", "bcz"];
  const others = ["a", "ba", "bd", "bda", "be", "c"];
  expect(touching.filter((prefix) => !touchesBelow(readSet, prefix))).toEqual([]);
  expect(others.filter((prefix) => touchesBelow(readSet, prefix))).toEqual([]);
  // No text comes after all those that begin with the last char there is.
  expect(touchesBelow(readSetOf(whole("b", "\xff\xff\xff")), "\xff")).toBe(true);
  expect(touchesBelow(readSetOf(whole("b", "c")), "\xff")).toBe(false);
});

test("one of several touched keys, or prefixes, is enough", () => {
  const readSet = readSetOf(whole("b", "c"));
  expect(readSet.intersects({ touchedKeys: ["x", "b"], touchedPrefixes: [] })).toBe(true);
  expect(readSet.intersects({ touchedKeys: ["x"], touchedPrefixes: ["y", "b"] })).toBe(true);
  expect(readSet.intersects({ touchedKeys: ["x"], touchedPrefixes: ["y"] })).toBe(false);
  expect(readSet.intersects({ touchedKeys: [], touchedPrefixes: [] })).toBe(false);
});
