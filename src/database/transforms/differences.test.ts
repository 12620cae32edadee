import { expect, test } from "vitest";
import type { Document, Fields } from "../documents/document.js";
import { differencesOf } from "./differences.js";

const documentOf = (fields: Fields): Document => ({ _id: "an id", _creationTime: 1, ...fields });

function between(before: Fields, after: Fields): unknown {
  return differencesOf(documentOf(before), documentOf(after)).map(({ path, was, is }) => [path, was, is]);
}

test("equal documents do not differ, whatever they are made of", () => {
  const fields = (): Fields => ({ a: 1, n: null, o: { p: { q: "x" } }, l: [1, [2], { m: true }], i: 5n });
  expect(between(fields(), fields())).toEqual([]);
  expect(between({ b: new Uint8Array([1, 2]).buffer }, { b: new Uint8Array([1, 2]).buffer })).toEqual([]);
});

test("what was changed, added or taken away is told by the path of the field", () => {
  expect(between({ a: 1 }, { a: 2 })).toEqual([["a", 1, 2]]);
  expect(between({ a: 1 }, {})).toEqual([["a", 1, undefined]]);
  expect(between({}, { a: 1 })).toEqual([["a", undefined, 1]]);
  expect(between({ a: undefined }, {})).toEqual([]);
  expect(between({ o: { p: { q: 1, r: 2 } } }, { o: { p: { q: 1, r: 3 } } })).toEqual([["o.p.r", 2, 3]]);
  expect(between({ a: 0 }, { a: -0 })).toEqual([["a", 0, -0]]);
});

test("arrays of one length differ item by item, each path once; others as a whole", () => {
  const before = {
    l: [
      { a: 1, b: 1 },
      { a: 2, b: 2 },
    ],
  };
  expect(
    between(before, {
      l: [
        { a: 1, b: 1 },
        { a: 3, b: 2 },
      ],
    }),
  ).toEqual([["l[].a", 2, 3]]);
  expect(
    between(before, {
      l: [
        { a: 5, b: 1 },
        { a: 6, b: 2 },
      ],
    }),
  ).toEqual([["l[].a", 1, 5]]);
  expect(between({ l: [1, 2] }, { l: [1] })).toEqual([["l", [1, 2], [1]]]);
  expect(between({ l: [[1], [2]] }, { l: [[1], [3]] })).toEqual([["l[][]", 2, 3]]);
});

test("values of different kinds differ as a whole", () => {
  expect(between({ a: { b: 1 } }, { a: [1] })).toEqual([["a", { b: 1 }, [1]]]);
  expect(between({ a: [1] }, { a: { b: 1 } })).toEqual([["a", [1], { b: 1 }]]);
  expect(between({ a: { b: 1 } }, { a: null })).toEqual([["a", { b: 1 }, null]]);
  expect(between({ a: null }, { a: { b: 1 } })).toEqual([["a", null, { b: 1 }]]);
  expect(between({ a: 1 }, { a: 1n })).toEqual([["a", 1, 1n]]);
  expect(between({ a: {} }, { a: [] })).toEqual([["a", {}, []]]);
});
