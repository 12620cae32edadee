import fc from "fast-check";
import { expect, test } from "vitest";
import { value, valueOrUndefined } from "../../suites/arbitraries/values.js";
import { decodeKey } from "./decode-key.js";
import { encodeKey } from "./encode-key.js";

test("an encoded tuple gives its values again", () => {
  fc.assert(
    fc.property(fc.array(valueOrUndefined, { maxLength: 3 }), (values) => {
      const decoded = decodeKey(encodeKey(values));
      expect(decoded).toEqual(values);
      expect(encodeKey(decoded)).toBe(encodeKey(values));
    }),
    { numRuns: 2000 },
  );
});

test("what encodes least easily comes back as it was", () => {
  const values = [
    -0,
    NaN,
    5e-324,
    -(2n ** 63n),
    2n ** 63n - 1n,
    -129n,
    "\0",
    "a\0\0b",
    "\ud800x\udc00",
    "😀é\ud7ff",
    new Uint8Array([0, 255, 0]).buffer,
    { "": "\0", a: [[], {}] },
  ];
  expect(decodeKey(encodeKey(values))).toEqual(values);
});

test("a text that is no key is refused or read, and never anything else", () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(value, bytes, fc.nat(), (original, junk, seed) => {
      const key = encodeKey([original]);
      const at = seed % key.length;
      const broken = key.slice(0, at) + junk + key.slice(at + 1);
      try {
        decodeKey(broken);
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_VALUE" });
      }
    }),
    { numRuns: 2000 },
  );
});

const bytesOf = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");

test.each([
  ["a tag that no value has", ["00", "02", "13", "14", "16", "ff", "0300"]],
  [
    "a number that is cut off",
    ["04", "07", "0a01", "0b000001", "0c00000001000000", "0d", "0dbff80000000000"],
  ],
  ["a text without its end", ["10", "1061", "106100ff", "1061c3a9"]],
  ["bytes without their end", ["11", "1101", "1100ff"]],
  ["a list without its end", ["12", "1203", "12100000ff", "1212"]],
  ["an object without its end", ["15", "1500ff", "156100", "15610003", "1500ff03"]],
  ["undefined within a list or an object", ["120100", "1503010100", "1561000100", "1500ff0100"]],
  ["a char that is cut off", ["10c300", "10e28200", "10f09f9800", "10f0"]],
  ["a char beyond the last one", ["10f490808000", "10f7bfbfbf00"]],
])("%s makes no key", (_what, keys) => {
  for (const hex of keys) {
    expect(() => decodeKey(bytesOf(hex)), hex).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  }
});

test("no key is no values, and what a key is cut to is refused or is a key of its own", () => {
  expect(decodeKey("")).toEqual([]);
  fc.assert(
    fc.property(value, fc.nat(), (original, at) => {
      const key = encodeKey([original]);
      const part = key.slice(0, at % key.length);
      try {
        expect(encodeKey(decodeKey(part))).toBe(part);
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_VALUE" });
      }
    }),
  );
});
