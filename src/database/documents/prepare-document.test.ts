import { getConvexSize, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fields } from "../../../suites/arbitraries/values.js";
import { copyDocument, measure } from "./stored-document.js";
import { documentLimits, prepareDocument } from "./prepare-document.js";

const id = "j570000000000000000000000000000";

const userFields = fields.map((all) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith("_"))),
);

test("a prepared document is an equal copy, measured as Convex measures it", () => {
  fc.assert(
    fc.property(userFields, (given) => {
      const stored = prepareDocument(given, id, 1.5, 0);
      expect(stored.document).toEqual({ ...given, _id: id, _creationTime: 1.5 });
      expect(stored.sizeBytes).toBe(getConvexSize(stored.document));
      expect(measure(stored.document)).toEqual({ sizeBytes: stored.sizeBytes, isFlat: stored.isFlat });
      const copy = copyDocument(stored);
      expect(copy).toEqual(stored.document);
      expect(sharedParts(copy, stored.document)).toEqual([]);
      expect(sharedParts(stored.document, given)).toEqual([]);
    }),
  );
});

test("fields come in order of their names, whatever order they were given in", () => {
  const { document } = prepareDocument({ b: 1, A: 2, a: { z: 1, y: 2 } }, id, 1, 0);
  expect(JSON.stringify(document)).toBe(`{"A":2,"_creationTime":1,"_id":"${id}","a":{"y":2,"z":1},"b":1}`);
});

test("undefined fields are left out, at any depth", () => {
  const { document } = prepareDocument({ a: undefined, b: { c: undefined } }, id, 1, 0);
  expect(Object.keys(document)).toEqual(["_creationTime", "_id", "b"]);
  expect(document["b"]).toEqual({});
});

test("a field named __proto__ is a field like any other, except at the top", () => {
  const given = JSON.parse('{"a": {"__proto__": {"x": 1}}}') as Record<string, Value>;
  const inner = copyDocument(prepareDocument(given, id, 1, 0))["a"];
  expect(Object.getPrototypeOf(inner)).toBe(Object.prototype);
  expect(Object.getOwnPropertyDescriptor(inner, "__proto__")?.value).toEqual({ x: 1 });
});

const refused: [what: string, value: Record<string, unknown>, code: string, message: RegExp][] = [
  ["a function", { f: () => 1 }, "INVALID_VALUE", /function is not a supported Convex type at \.f/],
  ["a class", { a: [new Date(0)] }, "INVALID_VALUE", /Date is not a supported Convex type at \.a\.0/],
  ["undefined in an array", { a: [undefined] }, "INVALID_VALUE", /undefined .* at \.a\.0/],
  ["a bigint of 65 bits", { b: 2n ** 63n }, "INVALID_VALUE", /64-bit/],
  ["a field that begins with a dollar sign", { o: { $a: 1 } }, "INVALID_FIELD_NAME", /"\$a" at \.o/],
  ["a field that is not ASCII", { ü: 1 }, "INVALID_FIELD_NAME", /printable ASCII/],
  ["a field like the system's", { _mine: 1 }, "INVALID_FIELD_NAME", /underscore/],
  ["17 levels", { a: nested(16) }, "INVALID_VALUE", /too nested/],
  ["an array of 8193", { a: Array(8193).fill(0) }, "INVALID_VALUE", /8193 > maximum length 8192/],
  ["an object of 1025 fields", { o: wide(1025) }, "INVALID_VALUE", /1025 > maximum number 1024/],
  ["more than 1 MiB", { s: "x".repeat(1 << 20) }, "DOCUMENT_TOO_LARGE", /maximum size 1 MiB/],
];

test.each(refused)("%s is refused", (_, value, code, message) => {
  const prepare = (): unknown => prepareDocument(value, id, 1, 0);
  expect(prepare).toThrow(expect.objectContaining({ code }));
  expect(prepare).toThrow(message);
});

test("what is just within the limits is accepted", () => {
  prepareDocument({ a: nested(15) }, id, 1, 0);
  prepareDocument({ a: Array(8192).fill(0), o: wide(1024) }, id, 1, 0);
  const room = documentLimits.sizeBytes - prepareDocument({ s: "" }, id, 1, 0).sizeBytes;
  expect(prepareDocument({ s: "x".repeat(room) }, id, 1, 0).sizeBytes).toBe(documentLimits.sizeBytes);
});

/** An array in an array, that many of them. */
function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

function wide(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, at]));
}

/** Objects that both values hold at the same place. */
function sharedParts(a: unknown, b: unknown): unknown[] {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return [];
  if (a === b) return [a];
  return Object.entries(a).flatMap(([name, part]) => sharedParts(part, (b as Record<string, unknown>)[name]));
}
