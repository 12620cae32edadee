import { convexToJson, jsonToConvex, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { convexValueLimits, copyValue, unlimitedValues } from "./copy-value.js";

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => new Uint8Array(bytes).buffer),
);
const value: fc.Arbitrary<Value> = fc.letrec<{ node: Value }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("node"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z_ ~]{0,5}$/), tie("node"), { maxKeys: 4 }),
  ),
})).node;

test("a copy equals the official JSON round trip and shares no object", () => {
  fc.assert(
    fc.property(value, (original) => {
      const copied = copyValue(original);
      expect(copied).toEqual(jsonToConvex(convexToJson(original)));
      if (typeof original === "object" && original !== null) {
        expect(copied).not.toBe(original);
      }
    }),
  );
});

test("what is not a Convex value is refused with the official explanation", () => {
  for (const bad of [
    undefined,
    () => 1,
    Symbol("x"),
    new Date(0),
    new Map(),
    new Set([1]),
    { a: [undefined] },
    { $a: 1 },
    { é: 1 },
    2n ** 63n,
    { when: new Date(0) },
    new Uint8Array(2),
  ]) {
    expect(() => copyValue(bad)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  }
  expect(() => copyValue({ a: { when: new Date(0) } })).toThrow("present at path .a.when");
});

test("fields that are undefined are left out, and __proto__ is an ordinary field", () => {
  expect(Object.keys(copyValue({ a: 1, b: undefined }) as object)).toEqual(["a"]);
  const copied = copyValue(JSON.parse('{"__proto__": {"x": 1}}')) as object;
  expect(Object.keys(copied)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
});

test("limits on size, array length, fields and nesting apply and can be lifted", () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const wide = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, 1]));
  const tooLarge = [new Array(8193).fill(0), wide, nested(65), "x".repeat(convexValueLimits.sizeBytes)];
  for (const bad of tooLarge) {
    expect(() => copyValue(bad)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
    expect(copyValue(bad, unlimitedValues)).toEqual(bad);
  }
  expect(copyValue("é".repeat(7_000_000))).toHaveLength(7_000_000);
});
