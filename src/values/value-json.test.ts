import { runInNewContext } from "node:vm";
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fields, value } from "../../suites/arbitraries/values.js";
import { parseValue, stringifyValue } from "./value-json.js";

function complaint(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

test("every value comes back from its text", () => {
  fc.assert(
    fc.property(value, (item) => {
      expect(parseValue(stringifyValue(item))).toStrictEqual(item);
    }),
    { numRuns: 1000 },
  );
});

test("the text is the official encoding", () => {
  fc.assert(
    fc.property(value, (item) => {
      expect(JSON.parse(stringifyValue(item))).toStrictEqual(JSON.parse(JSON.stringify(convexToJson(item))));
      expect(parseValue(JSON.stringify(convexToJson(item)))).toStrictEqual(jsonToConvex(convexToJson(item)));
    }),
    { numRuns: 1000 },
  );
});

test("the text does not depend on the order of fields, and the value is left as it was", () => {
  fc.assert(
    fc.property(fields, (object) => {
      const before = Object.keys(object);
      const reversed = Object.fromEntries(Object.entries(object).reverse());
      expect(stringifyValue(reversed)).toBe(stringifyValue(object));
      expect(Object.keys(object)).toEqual(before);
    }),
  );
});

test("fields are sorted by name, also those that look like numbers", () => {
  const item = { b: { z: 1, a: 2 }, "10": 1, "9": 2, a: [{ d: 1, c: 2 }] };
  expect(stringifyValue(item)).toBe('{"10":1,"9":2,"a":[{"c":2,"d":1}],"b":{"a":2,"z":1}}');
});

test("undefined fields are left out", () => {
  expect(stringifyValue({ b: 1, a: undefined, c: { d: undefined } })).toBe('{"b":1,"c":{}}');
});

test("strings that look like encodings stay strings", () => {
  const item = { price: '"$5"', other: "$integer", list: ["$float"] };
  expect(parseValue(stringifyValue(item))).toEqual(item);
});

test("what is no value is refused with the official message, which names the path", () => {
  const wrongs: unknown[] = [
    undefined,
    { a: [undefined] },
    { a: { b: new Date(0) } },
    new Map(),
    new Set([1]),
    { a: 2n ** 64n },
    { $a: 1 },
    { é: 1 },
    { ["x".repeat(1025)]: 1 },
    { a: () => 1 },
    { a: Symbol("s") },
  ];
  for (const wrong of wrongs) {
    // Callers in plain JavaScript can pass anything.
    const error = complaint(() => stringifyValue(wrong as Value));
    const official = complaint(() => convexToJson(wrong as Value));
    expect(error).toMatchObject({ code: "INVALID_VALUE", message: (official as Error).message });
  }
});

test("nesting is limited to 64 levels, so a cycle is refused too", () => {
  const nest = (levels: number): Value => (levels === 0 ? 1 : [nest(levels - 1)]);
  expect(parseValue(stringifyValue(nest(64)))).toEqual(nest(64));
  expect(() => stringifyValue(nest(65))).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  const wrap = (levels: number): Value => (levels === 0 ? 1 : { a: wrap(levels - 1) });
  expect(parseValue(stringifyValue(wrap(64)))).toEqual(wrap(64));
  expect(() => stringifyValue(wrap(65))).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  const cycle: { self?: Value } = {};
  cycle.self = cycle;
  expect(() => stringifyValue(cycle)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
});

test("text that is not JSON or holds a broken encoding is refused", () => {
  for (const text of ["", "{", '{"$integer":5}', '{"a":{"$bytes":1}}', '[{"$float":"AAAA"}]']) {
    expect(() => parseValue(text)).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  }
});

test("objects without a prototype, and of another realm, are plain; others are not", () => {
  const bare: Record<string, Value> = Object.assign(Object.create(null), { a: 1 });
  expect(stringifyValue(bare)).toBe('{"a":1}');
  expect(stringifyValue(runInNewContext("({ a: [1, { b: 2 }] })") as Value)).toBe('{"a":[1,{"b":2}]}');
  class Point {
    x = 1;
  }
  expect(() => stringifyValue(new Point() as unknown as Value)).toThrow(
    expect.objectContaining({ code: "INVALID_VALUE" }),
  );
});

test("more names than are remembered are quoted alike", () => {
  const names = Array.from({ length: 10_002 }, (_, index) => `name${index}`);
  for (const name of [...names, ...names.slice(0, 3)]) {
    expect(stringifyValue({ [name]: 1 })).toBe(`{"${name}":1}`);
  }
});
