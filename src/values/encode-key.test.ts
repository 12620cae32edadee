import { CommitTsPlaceholder, compareValues as officialCompare, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { value, valueOrUndefined } from "../../suites/arbitraries/values.js";
import { compareValues } from "./compare-values.js";
import { encodeKey, prefixEnd, tupleEnd } from "./encode-key.js";

/** Values in strictly ascending order. */
const ascending: (Value | undefined)[] = [
  undefined,
  null,
  -(2n ** 63n),
  -(2n ** 31n) - 1n,
  -(2n ** 31n),
  -32769n,
  -32768n,
  -129n,
  -128n,
  -1n,
  0n,
  1n,
  127n,
  128n,
  32767n,
  32768n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 63n - 1n,
  -Infinity,
  -1e308,
  -1,
  -5e-324,
  -0,
  0,
  5e-324,
  1,
  Infinity,
  NaN,
  false,
  true,
  "",
  "\u0000",
  "\u0000a",
  "\u0001",
  "a",
  "a\u0000",
  "aa",
  "é",
  "\ud7ff",
  "\ue000",
  "\ufffd",
  "😀",
  new ArrayBuffer(0),
  new ArrayBuffer(1),
  Uint8Array.from([0, 1]).buffer,
  Uint8Array.from([255]).buffer,
  [],
  [null],
  [null, null],
  ["a"],
  [[]],
  {},
  { "": 1 },
  { "": 2, a: 1 },
  { a: null },
  { a: null, b: 1 },
  { a: 1 },
  { b: null },
];

function sign(order: number): number {
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

test("keys and compareValues put every kind of value in the documented order", () => {
  for (let i = 0; i < ascending.length; i++) {
    for (let j = 0; j < ascending.length; j++) {
      const [a, b] = [ascending[i], ascending[j]];
      expect([i, j, compareKeys(encodeKey([a]), encodeKey([b]))]).toEqual([i, j, sign(i - j)]);
      expect([i, j, sign(compareValues(a, b))]).toEqual([i, j, sign(i - j)]);
    }
  }
});

test("keys have the bytes of Convex's index keys", () => {
  const hex = (item: Value | undefined) => Buffer.from(encodeKey([item]), "latin1").toString("hex");
  expect(hex(undefined)).toBe("01");
  expect(hex(null)).toBe("03");
  expect(hex(-(2n ** 40n))).toBe("04ffffff0000000000");
  expect(hex(-(2n ** 31n))).toBe("0580000000");
  expect(hex(-300n)).toBe("06fed4");
  expect(hex(-1n)).toBe("07ff");
  expect(hex(0n)).toBe("08");
  expect(hex(1n)).toBe("0901");
  expect(hex(300n)).toBe("0a012c");
  expect(hex(2n ** 31n - 1n)).toBe("0b7fffffff");
  expect(hex(2n ** 40n)).toBe("0c0000010000000000");
  expect(hex(1.5)).toBe("0dbff8000000000000");
  expect(hex(-1.5)).toBe("0d4007ffffffffffff");
  expect(hex(-0)).toBe("0d7fffffffffffffff");
  expect(hex(NaN)).toBe("0dfff8000000000000");
  expect(hex(false)).toBe("0e");
  expect(hex(true)).toBe("0f");
  expect(hex("a\u0000é😀")).toBe("106100ffc3a9f09f988000");
  expect(hex(Uint8Array.from([0, 7]).buffer)).toBe("1100ff0700");
  expect(hex([null, "a"])).toBe("120310610000");
  expect(hex({ b: 0n, a: true, "": null })).toBe("1500ff0361000f62000800");
});

test("the order of keys is the order of compareValues", () => {
  fc.assert(
    fc.property(valueOrUndefined, valueOrUndefined, (a, b) => {
      expect(compareKeys(encodeKey([a]), encodeKey([b]))).toBe(sign(compareValues(a, b)));
    }),
    { numRuns: 2000 },
  );
});

test("strings are in the order of their keys, also where pairs of surrogates differ in one half or lack one", () => {
  const units = fc.string({
    unit: fc.constantFrom(
      "a",
      "\ud7ff",
      "\ud800",
      "\ud83d",
      "\udbff",
      "\udc00",
      "\ude00",
      "\udfff",
      "\ue000",
    ),
    maxLength: 4,
  });
  fc.assert(
    fc.property(units, units, (a, b) => {
      expect(compareKeys(encodeKey([a]), encodeKey([b]))).toBe(sign(compareValues(a, b)));
    }),
    { numRuns: 3000 },
  );
});

test("a commit timestamp that is to come is an int64 above all others", () => {
  const coming = new CommitTsPlaceholder();
  expect(sign(compareValues(coming, 2n ** 63n - 2n))).toBe(1);
  expect(sign(compareValues(-5n, coming))).toBe(-1);
  expect(sign(compareValues(coming, 1.5))).toBe(-1);
  expect(sign(compareValues(coming, null))).toBe(1);
  expect(compareValues(coming, new CommitTsPlaceholder())).toBe(0);
});

test("compareValues agrees with the official one", () => {
  fc.assert(
    fc.property(valueOrUndefined, valueOrUndefined, (a, b) => {
      expect(sign(compareValues(a, b))).toBe(sign(officialCompare(a, b)));
    }),
    { numRuns: 2000 },
  );
});

test("a tuple compares field by field, whatever follows", () => {
  fc.assert(
    fc.property(
      value,
      value,
      fc.array(value, { maxLength: 3 }),
      fc.array(value, { maxLength: 3 }),
      (a, b, restA, restB) => {
        fc.pre(compareValues(a, b) !== 0);
        expect(compareKeys(encodeKey([a, ...restA]), encodeKey([b, ...restB]))).toBe(
          sign(compareValues(a, b)),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

test("every char of a key is a byte", () => {
  fc.assert(
    fc.property(value, (item) => {
      expect(Array.from(encodeKey([item])).every((char) => char <= "\u00ff")).toBe(true);
    }),
  );
});

test("prefixEnd bounds exactly the keys with the prefix", () => {
  const byteString = fc.string({
    unit: fc.constantFrom("\u0000", "\u0001", "a", "\u00fe", "\u00ff"),
    maxLength: 4,
  });
  fc.assert(
    fc.property(byteString, byteString, (prefix, key) => {
      const end = prefixEnd(prefix);
      expect(key >= prefix && (end === undefined || key < end)).toBe(key.startsWith(prefix));
    }),
    { numRuns: 1000 },
  );
});

test("prefixEnd is the next key of as many bytes, or of fewer", () => {
  const ends: [prefix: string, end: string | undefined][] = [
    ["", undefined],
    ["a", "b"],
    ["a\u00fe", "a\u00ff"],
    ["a\u00ff", "b"],
    ["a\u00ff\u00ff", "b"],
    ["\u00ffa", "\u00ffb"],
    ["a\u00ffb", "a\u00ffc"],
    ["\u00ff", undefined],
    ["\u00ff\u00ff", undefined],
  ];
  for (const [prefix, end] of ends) expect([prefix, prefixEnd(prefix)]).toEqual([prefix, end]);
});

test("every NaN has the same key, whatever its bits are", () => {
  for (const bits of [0x7ff8000000000000n, 0x7ff0000000000001n, 0xfff8000000000000n, 0xffffffffffffffffn]) {
    const [nan = 0] = new Float64Array(new BigUint64Array([bits]).buffer);
    expect(encodeKey([nan])).toBe(encodeKey([NaN]));
  }
});

test("a field that is undefined is not there, and a commit timestamp that is to come is above all others", () => {
  expect(encodeKey([{ a: undefined, b: 1n }])).toBe(encodeKey([{ b: 1n }]));
  expect(encodeKey([new CommitTsPlaceholder()])).toBe(encodeKey([2n ** 63n - 1n]));
});

test("what is no value at all is refused", () => {
  // Callers in plain JavaScript can pass anything.
  for (const wrong of [Symbol("s"), () => 1] as unknown[]) {
    expect(() => encodeKey([wrong as Value])).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  }
});

test("a bigint beyond 64 bits is refused", () => {
  expect(() => encodeKey([2n ** 63n])).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  expect(() => encodeKey([-(2n ** 63n) - 1n])).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
});

test("tupleEnd bounds exactly the tuples that begin with the values", () => {
  // Neighbours that the order of plain prefixes mixes up: what goes on with a zero.
  const near = fc.constantFrom<Value>(
    "",
    "\0",
    "\0a",
    "a",
    "a\0",
    "a\0b",
    new ArrayBuffer(0),
    new ArrayBuffer(2),
  );
  const element = fc.oneof(near, fc.array(near, { maxLength: 2 }), value);
  fc.assert(
    fc.property(element, element, fc.array(element, { maxLength: 2 }), (bound, first, rest) => {
      const start = encodeKey([bound]);
      const key = encodeKey([first, ...rest]);
      expect(start <= key && key < tupleEnd(start)).toBe(compareValues(first, bound) === 0);
    }),
  );
});
