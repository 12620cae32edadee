import fc from "fast-check";
import { expect, test } from "vitest";
import { float64, value, valueOrUndefined } from "../../../../suites/arbitraries/values.js";
import { encodeKey } from "../../../values/index.js";
import { entryText, Position, withoutTrailingNulls, type Item } from "./index.js";
import { placeOfEntry, readEntry, spaceLengthOf } from "./entry.js";

const spaced = fc.record({
  namespace: valueOrUndefined,
  key: value,
  id: fc.string(),
  values: fc.array(fc.option(float64), { maxLength: 4 }),
});
type Spaced = typeof spaced extends fc.Arbitrary<infer One> ? One : never;

function itemOf({ key, id, values }: Spaced): Item {
  return { position: new Position(key, id), values: withoutTrailingNulls(values) };
}

function entryOf(one: Spaced): string {
  return entryText(encodeKey([one.namespace]), itemOf(one));
}

function placeOf({ namespace, key, id }: Spaced): string {
  return encodeKey([namespace, key, id]);
}

test("an entry tells its namespace, its place and its item, to the last bit", () => {
  fc.assert(
    fc.property(spaced, (one) => {
      const entry = entryOf(one);
      const space = encodeKey([one.namespace]);
      expect(entry.slice(0, spaceLengthOf(entry))).toBe(space);
      expect(placeOfEntry(entry)).toBe(placeOf(one));
      const item = itemOf(one);
      const { position, values } = readEntry(entry);
      expect(position.order).toBe(item.position.order);
      expect(values).toEqual(item.values);
      expect(Math.max(0, ...[...entry].map((char) => char.charCodeAt(0)))).toBeLessThan(256);
    }),
    { numRuns: 500 },
  );
});

test("entries sort by namespace and then by position, whatever the values are", () => {
  const near = fc.record({
    namespace: fc.constantFrom(undefined, "a", "a\0", "ab"),
    key: fc.constantFrom<string | number>("", "\0", "a", "a\0", "a\0b", "b", 1, 2),
    id: fc.constantFrom("x", "x\0", "xy"),
    values: fc.array(fc.option(float64), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(spaced, near), { maxLength: 20 }), (all) => {
      const byPlace = all.map(placeOf).toSorted();
      expect(all.map(entryOf).toSorted().map(placeOfEntry)).toEqual(byPlace);
    }),
    { numRuns: 500 },
  );
});
