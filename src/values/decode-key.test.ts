import fc from "fast-check";
import { expect, test } from "vitest";
import { value, valueOrUndefined } from "../../testing/arbitraries/values.js";
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
