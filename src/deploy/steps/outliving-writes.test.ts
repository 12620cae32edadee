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

// Source texts, as a test runner would rewrite the functions.
test.each<[string, string, readonly string[]]>([
  ["a parameter of a function's expression", "function (doc) { doc = {}; return doc; }", []],
  ["a parameter of a declared function", "() => { function f(n) { n++; } return f; }", []],
  ["a declared function's own name", "() => { function f() {} f = null; }", []],
  ["a function expression's own name", "function up() { up.last = 1; }", []],
  [
    "a class's own name",
    "() => { class Known {} Known.last = 1; return class Other { f() { Other.last = 1; } }; }",
    [],
  ],
  ["a class without a name", "() => class { f(n) { n++; } }", []],
  ["a caught error", "() => { try { f(); } catch (error) { error.seen = 1; error = null; } }", []],
  ["no caught error", "() => { try { f(); } catch { seen = 1; } }", ["seen"]],
  [
    "a loop's own variable",
    "(doc) => { for (const key in doc) { key.x = 1; } for (const one of doc) one.x = 1; }",
    [],
  ],
  ["another's loop variable", "(doc) => { for (key in doc) {} for (one.x of doc) {} }", ["key", "one"]],
  [
    "a default, a rest, a hole",
    "() => { [a = 1, , ...b] = []; ({ c, d: e = 1, ...f } = {}); }",
    ["a", "b", "c", "e", "f"],
  ],
  ["own patterns", "({ a, b: [c = 1, ...d], ...e }) => { a = b2 => b2; c = d; d = e; e = 1; }", []],
  ["what an operator only reads", "(doc) => typeof known + -count + !seen", []],
  ["the result of a call", "() => { known().last = 1; delete known().last; known().n++; }", []],
  ["a deleted part", "() => delete known.a.b", ["known"]],
])("%s", (_what, text, names) => {
  expect(outlivingWrites({ toString: () => text } as never)).toEqual(names);
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
