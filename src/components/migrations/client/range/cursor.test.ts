import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cursorOfDatabase, cursorOfKey, isNewFormatCursor, positionOf } from "./cursor.js";

const scalar: fc.Arbitrary<Value | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ unit: "binary" }),
  fc.constantFrom("undefined", "_undefined", "__undefined", "start", "[]"),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Uint8Array.from(bytes).buffer),
);

test("an index key of any values comes back from its cursor", () => {
  fc.assert(
    fc.property(fc.array(scalar, { minLength: 1, maxLength: 4 }), (key) => {
      const position = positionOf(cursorOfKey(key));
      const back = position?.kind === "key" ? position.key : [];
      expect(back).toHaveLength(key.length);
      expect(key.filter((value, i) => compareValues(value, back[i]) !== 0)).toEqual([]);
    }),
  );
});

test("null is the start, [] the end, and anything else but an index key the database's own", () => {
  expect(positionOf(null)).toEqual({ kind: "start" });
  expect(positionOf("[]")).toEqual({ kind: "end" });
  expect(positionOf(cursorOfDatabase("[x"))).toEqual({ kind: "database", cursor: "[x" });
  expect(positionOf("u1oU8i23WMATVwA2CneZ")).toEqual({ kind: "database", cursor: "u1oU8i23WMATVwA2CneZ" });
  expect(positionOf("")).toBeNull();
  expect(positionOf("[not json")).toBeNull();
});

test("a cursor of the published component is understood", () => {
  const cursor = '[1719412234000,"k97d5ycbj3vgwcprmmxvmrm2dh7a5qhv"]';
  expect(isNewFormatCursor(cursor)).toBe(true);
  expect(isNewFormatCursor("u1oU8i23WMATVwA2CneZ")).toBe(false);
  const key = [1719412234000, "k97d5ycbj3vgwcprmmxvmrm2dh7a5qhv"];
  expect(positionOf(cursor)).toEqual({ kind: "key", key });
  expect(cursorOfKey(key)).toBe(cursor);
});
