import { expect, test } from "vitest";
import { outlivingWrites } from "./outliving-writes.js";

let count = 0;
let first: number | undefined;
let rest: readonly number[] = [];
const seen = (): unknown[] => [count, first, rest];
const memory: { last?: number; all: number[] } = { all: [] };

test.each<[string, (document: { n: number }) => unknown, readonly string[]]>([
  ["a counter", (document) => ({ ...document, m: ++count }), ["count"]],
  ["the first document", ({ n }) => n - (first ??= n), ["first"]],
  ["a property", ({ n }) => (memory.last = n), ["memory"]],
  ["an element", ({ n }) => (memory.all[n] = n), ["memory"]],
  ["what a pattern assigns", ({ n }) => ([first, ...rest] = [n]), ["first", "rest"]],
  ["a deleted property", () => delete memory.last, ["memory"]],
  [
    "a loop's variable",
    ({ n }) => {
      for (count of [n]) rest = [count];
    },
    ["count", "rest"],
  ],
  [
    "of a nested function",
    ({ n }) => {
      const note = (m: number): void => {
        count += m;
      };
      note(n);
    },
    ["count"],
  ],
])("%s that outlives the document is found", (_what, run, names) => {
  expect(outlivingWrites(run)).toEqual(names);
  expect(seen()).toEqual([0, undefined, []]);
});

test("what ends with the run is none: its own variables, its document, its classes and functions", () => {
  const run = (document: { n: number; m?: number }): unknown => {
    let own = 0;
    const { n, ...fields } = document;
    for (let at = 0; at < n; at++) own += at;
    document.m = own;
    delete document.m;
    try {
      Object.assign(fields, { own });
    } catch (error) {
      own = error instanceof Error ? 1 : 2;
    }
    function inner(m: number): number {
      m += 1;
      return m;
    }
    return { ...fields, n: inner(own) };
  };
  expect(outlivingWrites(run)).toEqual([]);
});

test("methods are read too, and what has no source is passed over", () => {
  const { up } = {
    up(this: void): number {
      return ++count;
    },
  };
  expect(outlivingWrites(up)).toEqual(["count"]);
  const ofThis = function (this: { seen: number }): number {
    return ++this.seen;
  };
  expect(outlivingWrites(ofThis)).toEqual(["this"]);
  expect(outlivingWrites(Math.abs)).toEqual([]);
  expect(outlivingWrites((() => count).bind(null))).toEqual([]);
});
