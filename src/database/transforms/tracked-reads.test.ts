import { expect, test } from "vitest";
import type { Document, Fields } from "../documents/document.js";
import { isFields, leavesOf, pathIn, stepsTo, TrackedReads } from "./tracked-reads.js";

const documentOf = (fields: Fields): Document => ({ _id: "an id", _creationTime: 1, ...fields });

/** The places of a document that a function asks for by name, with steps joined by slashes. */
function readIn(fields: Fields, read: (document: Document) => unknown): string[] {
  const document = documentOf(fields);
  const reads = new TrackedReads(document);
  read(reads.document);
  return [...leavesOf(documentOf(fields))]
    .map(({ place }) => place)
    .filter((place) => reads.isRead(place))
    .map((place) => stepsTo(place).join("/"));
}

test("a value is asked for by name by access or destructuring, not by a copy of all", () => {
  const fields = { a: 1, b: 2 };
  expect(readIn(fields, (document) => document["a"])).toEqual(["a"]);
  expect(readIn(fields, ({ b }) => b)).toEqual(["b"]);
  expect(readIn(fields, (document) => ({ ...document }))).toEqual([]);
  expect(readIn(fields, ({ a, ...rest }) => [a, rest])).toEqual(["a"]);
  expect(readIn(fields, (document) => [{ ...document }, document["b"]])).toEqual(["b"]);
  expect(readIn(fields, (document) => "a" in document)).toEqual([]);
});

test("a look at whether there is a property counts for the access right after it only", () => {
  const look = (document: Document): unknown => Object.getOwnPropertyDescriptor(document, "a");
  expect(readIn({ a: 1, b: 2 }, (document) => [look(document), document["b"]])).toEqual(["b"]);
  expect(readIn({ a: 1, b: 2 }, (document) => [look(document), document["b"], document["a"]])).toEqual([
    "a",
    "b",
  ]);
});

test("values within objects and arrays are asked for by their places", () => {
  const fields = { o: { p: { q: 1, r: 2 } }, l: ["x", "y"], n: null };
  expect(readIn(fields, (document) => (document["o"] as { p: { q: number } }).p.q)).toEqual(["o/p/q"]);
  expect(readIn(fields, (document) => (document["l"] as string[])[1])).toEqual(["l/1"]);
  expect(readIn(fields, (document) => [...(document["l"] as string[])])).toEqual(["l/0", "l/1"]);
  expect(readIn(fields, (document) => document["n"])).toEqual(["n"]);
  expect(readIn(fields, (document) => (document["o"] as { p: Fields }).p)).toEqual([]);
});

test("what is read after the end does not count, and is no tracked object any more", () => {
  const reads = new TrackedReads(documentOf({ a: 1, o: { b: 2 } }));
  reads.end();
  expect(reads.document["a"]).toBe(1);
  expect(reads.isRead("a")).toBe(false);
  const inner = reads.document["o"];
  expect(reads.document["o"]).toBe(inner);
  expect((inner as { b: number }).b).toBe(2);
  expect(reads.isRead("o\0b")).toBe(false);
});

test("an object within is the same each time, and another one after it was replaced", () => {
  const { document } = new TrackedReads(documentOf({ o: { a: 1 }, b: new Uint8Array([1]).buffer }));
  expect(document["o"]).toBe(document["o"]);
  const before = document["o"];
  document["o"] = { a: 2 };
  expect(document["o"]).not.toBe(before);
  expect(document["o"]).toEqual({ a: 2 });
  expect(document["b"]).toBeInstanceOf(ArrayBuffer);
});

test("symbols and methods are handed through, and are no reads", () => {
  const reads = new TrackedReads(documentOf({ l: [3, 1, 2] }));
  const list = reads.document["l"] as number[];
  expect(list.map((n) => n + 1)).toEqual([4, 2, 3]);
  expect(list[Symbol.iterator]).toBeTypeOf("function");
  expect(reads.isRead("l\0map")).toBe(false);
});

test("the values of a document are its leaves, with place and path; system fields are none", () => {
  const fields = {
    a: 1,
    gone: undefined,
    o: { p: { q: "x" }, none: {}, gone: undefined },
    l: [{ s: true }, [2]],
    empty: [],
    b: new Uint8Array([1]).buffer,
    n: null,
  };
  const leaves = [...leavesOf(documentOf(fields))].map(({ place, path, value }) => [
    stepsTo(place).join("/"),
    path,
    value,
  ]);
  expect(leaves).toEqual([
    ["a", "a", 1],
    ["o/p/q", "o.p.q", "x"],
    ["o/none", "o.none", {}],
    ["l/0/s", "l[].s", true],
    ["l/1/0", "l[][]", 2],
    ["empty", "empty", []],
    ["b", "b", fields.b],
    ["n", "n", null],
  ]);
});

test("what has fields is told from everything else", () => {
  expect([{}, { a: 1 }].every(isFields)).toBe(true);
  expect([null, undefined, [], "a", 1, 1n, true, new ArrayBuffer(1)].some(isFields)).toBe(false);
  expect([pathIn("", "a"), pathIn("a.b[]", "c")]).toEqual(["a", "a.b[].c"]);
});
