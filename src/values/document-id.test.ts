import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeId, encodeId, newInternalId } from "./document-id.js";

const internalId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => String.fromCharCode(...bytes));
const tableNumber = fc.oneof(
  fc.integer({ min: 1, max: 0xffffffff }),
  fc.constantFrom(1, 127, 128, 10001, 16383, 16384, 2 ** 21, 2 ** 28, 0xffffffff),
);

test("ids round trip for every table number", () => {
  fc.assert(
    fc.property(tableNumber, internalId, (table, internal) => {
      const id = encodeId(table, internal);
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{31,37}$/);
      expect(decodeId(id)).toEqual({ tableNumber: table, internalId: internal });
    }),
    { numRuns: 1000 },
  );
});

test("an id that Convex made decodes, and encodes to itself", () => {
  const official = "jd7f2yq3tcc5h4ce9qhqdk0ach6hbmyb";
  const decoded = decodeId(official);
  expect(decoded).not.toBeNull();
  expect(encodeId(decoded?.tableNumber ?? 0, decoded?.internalId ?? "")).toBe(official);
});

test("the first user table's ids begin with j57 and have 32 chars", () => {
  const id = encodeId(10001, newInternalId(Date.UTC(2026, 0, 1)));
  expect(id).toMatch(/^j57.{29}$/);
});

test("an internal id ends with the day and is otherwise as random as its source", () => {
  const day = 20_000;
  const id = newInternalId(day * 86_400_000 + 5, (count) => new Uint8Array(count).fill(7));
  expect(id).toBe("\u0007".repeat(14) + String.fromCharCode(day >> 8, day & 0xff));
  const many = new Set(Array.from({ length: 2000 }, () => newInternalId(0)));
  expect(many.size).toBe(2000);
});

test("changing any one char of an id makes it no id, or another document's", () => {
  fc.assert(
    fc.property(
      tableNumber,
      internalId,
      fc.nat(),
      fc.constantFrom(...Array.from("0123456789abcdefghjkmnpqrstvwxyz")),
      (table, internal, at, char) => {
        const id = encodeId(table, internal);
        const index = at % id.length;
        const changed = id.slice(0, index) + char + id.slice(index + 1);
        fc.pre(changed !== id);
        const decoded = decodeId(changed);
        if (decoded !== null) expect(encodeId(decoded.tableNumber, decoded.internalId)).toBe(changed);
      },
    ),
    { numRuns: 1000 },
  );
});

test("what is not an id decodes to null", () => {
  const id = encodeId(10001, "0123456789abcdef");
  const wrongs = [
    "",
    "x",
    id.toUpperCase(),
    `${id} `,
    id.slice(1),
    `${id}0`,
    id.slice(0, -1),
    "0".repeat(32),
    "ü".repeat(32),
    "u".repeat(32),
  ];
  for (const wrong of wrongs) expect([wrong, decodeId(wrong)]).toEqual([wrong, null]);
});

/** The id that these bytes make, whatever they are, with a right checksum. */
function idOfBytes(bytes: readonly number[]): string {
  let [low, high] = [0, 0];
  for (const byte of bytes) {
    low = (low + byte) & 0xff;
    high = (high + low) & 0xff;
  }
  let bits = "";
  for (const byte of [...bytes, low, high]) bits += byte.toString(2).padStart(8, "0");
  bits = bits.padEnd(Math.ceil(bits.length / 5) * 5, "0");
  return (bits.match(/.{5}/g) ?? [])
    .map((digit) => "0123456789abcdefghjkmnpqrstvwxyz"[Number.parseInt(digit, 2)])
    .join("");
}

test("a table's number has one spelling, and is from 1 to 2^32 - 1", () => {
  const inner = Array.from({ length: 16 }, (_, index) => index * 17);
  const numberOf = (...table: number[]): number | null =>
    decodeId(idOfBytes([...table, ...inner]))?.tableNumber ?? null;
  expect(numberOf(0x01)).toBe(1);
  expect(numberOf(0xff, 0xff, 0xff, 0xff, 0x0f)).toBe(2 ** 32 - 1);
  const wrongs = [
    [0x00],
    [0x80],
    [0x81, 0x00],
    [0x01, 0x01],
    [0x80, 0x80, 0x00],
    [0x80, 0x80, 0x80, 0x80, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0x7f],
    [0x81, 0x80, 0x80, 0x80, 0x80, 0x01],
    [],
  ];
  for (const table of wrongs) expect([table, numberOf(...table)]).toEqual([table, null]);
});
