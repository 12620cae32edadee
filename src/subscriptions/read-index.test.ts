/** The index over read sets against asking each read set. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../../suites/setup/property-runs.js";
import { ReadSet, type TouchedKeys } from "../database/index.js";
import { ReadIndex } from "./read-index.js";

/** Short and of few letters, so that keys meet ranges, and ranges each other. */
const key = fc.string({ unit: fc.constantFrom("\0", "a", "b", "\xff"), minLength: 0, maxLength: 4 });
const readSet = fc
  .record({ keys: fc.array(key, { maxLength: 4 }), ranges: fc.array(fc.tuple(key, key), { maxLength: 4 }) })
  .map(({ keys, ranges }) => {
    const made = new ReadSet();
    for (const one of keys) made.addKey(one);
    for (const [start, end] of ranges) {
      made.addCoverage({ start, end, isReverse: false, last: null, isComplete: true });
    }
    return made;
  });
const owner = fc.integer({ min: 0, max: 30 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ owner, reads: fc.option(readSet, { freq: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ owner, reads: fc.constant("nothing any more" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      touchedKeys: fc.array(key, { maxLength: 3 }),
      touchedPrefixes: fc.oneof(fc.constant([]), fc.array(key, { maxLength: 2 })),
    }),
  },
);

/** Those that a commit touches, by asking all of them. */
function askAll(known: ReadonlyMap<number, ReadSet | null>, commit: TouchedKeys): Set<number> {
  return new Set([...known.keys()].filter((one) => known.get(one)?.intersects(commit) ?? true));
}

test("a commit is told to exactly the owners whose read set it touches, whatever came and went before", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), (steps) => {
      const index = new ReadIndex<number>();
      const known = new Map<number, ReadSet | null>();
      for (const one of steps) {
        if ("touchedKeys" in one) {
          const touched = new Set<number>();
          index.touchedBy(one, (found) => touched.add(found));
          expect(touched).toEqual(askAll(known, one));
        } else if (one.reads === "nothing any more") {
          index.delete(one.owner);
          known.delete(one.owner);
        } else {
          index.set(one.owner, one.reads);
          known.set(one.owner, one.reads);
        }
      }
    }),
    { numRuns: runs(400) },
  );
});

test("thousands of ranges that come and go are found by the few keys that touch them", () => {
  const index = new ReadIndex<number>();
  const count = 5_000;
  const keyOf = (n: number): string => String(n).padStart(6, "0");
  const reading = (from: number, to: number): ReadSet => {
    const made = new ReadSet();
    made.addCoverage({
      start: keyOf(from),
      end: keyOf(to),
      isReverse: false,
      last: null,
      isComplete: true,
    });
    return made;
  };
  for (let n = 0; n < count; n++) index.set(n, reading(n, n + 2));
  for (let n = 0; n < count; n += 2) index.set(n, reading(n + count, n + count + 1));
  for (let n = 1; n < count; n += 4) index.delete(n);
  const touched = (n: number): number[] => {
    const found: number[] = [];
    index.touchedBy({ touchedKeys: [keyOf(n)], touchedPrefixes: [] }, (one) => found.push(one));
    return found;
  };
  expect([touched(1), touched(3), touched(4), touched(5), touched(count + 4)]).toEqual([
    [],
    [3],
    [3],
    [],
    [4],
  ]);
});
