/** Compares buckets with sets of items that are kept as plain lists. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeKey } from "../../../values/index.js";
import {
  addToBucket,
  bucketAt,
  bucketRange,
  differingBuckets,
  emptySums,
  nothingCollected,
  SeparatorCollector,
} from "./buckets.js";
import { addDigests } from "./digest.js";
import { Position } from "./position.js";
import { factorOf, scaleDigest } from "./digest.js";
import { summaryOf } from "./summary.js";

const namespace = fc.constantFrom(undefined, null, "a", "ab", ["a"], ["a", 1]).map((one) => encodeKey([one]));
const placed = fc.record({
  namespace,
  position: fc
    .tuple(fc.oneof(fc.nat(20), fc.string({ maxLength: 3 })), fc.constantFrom("x", "y"))
    .map(([key, id]) => new Position(key, id)),
});

test("scaling is multiplication modulo 2^52, and keeps sums", () => {
  const digest = fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }).map(Number);
  fc.assert(
    fc.property(digest, digest, fc.string(), (a, b, text) => {
      const factor = factorOf(text);
      expect(BigInt(scaleDigest(a, factor, b))).toBe((BigInt(a) * BigInt(factor) + BigInt(b)) % 2n ** 52n);
      expect(scaleDigest(addDigests(a, b), factor, 0)).toBe(
        scaleDigest(a, factor, scaleDigest(b, factor, 0)),
      );
    }),
  );
});

test("every place falls in the one bucket whose range has it, wherever the separators are", () => {
  fc.assert(
    fc.property(
      fc.array(placed, { maxLength: 8 }),
      placed,
      fc.nat(3),
      (ends, { namespace, position }, cut) => {
        const separators = [
          ...new Set(ends.map((end) => (end.namespace + end.position.order).slice(0, -cut || undefined))),
        ]
          .filter((separator) => separator !== "")
          .toSorted();
        const found = Array.from({ length: separators.length + 1 }, (_, bucket) => bucket).filter(
          (bucket) => {
            const range = bucketRange(separators, bucket, namespace);
            if (range === null) return false;
            return position.order >= range.start && (range.end === null || position.order < range.end);
          },
        );
        expect(found).toEqual([bucketAt(separators, namespace + position.order)]);
      },
    ),
  );
});

test("an item in another namespace of the same bucket is a difference", () => {
  const item = summaryOf({ position: new Position(1, "x"), values: [] });
  const [left, right] = [emptySums([]), emptySums([])];
  addToBucket(left, 0, factorOf(encodeKey(["a"])), item);
  addToBucket(right, 0, factorOf(encodeKey(["b"])), item);
  expect(differingBuckets(left, right)).toEqual([0]);
  expect(differingBuckets(left, left)).toEqual([]);
});

test("separators come at even ranks, at most 1023 of them, and can be collected in parts", () => {
  let collector = new SeparatorCollector(nothingCollected);
  const places = Array.from({ length: 20_000 }, (_, index) => encodeKey([index, "some id"]));
  for (let index = 0; index < places.length; index += 8) {
    collector.take(places[index] ?? "", places[index + 7] ?? "", 8);
    if (index % 1000 === 0) collector = new SeparatorCollector(collector.state());
  }
  const { separators } = collector.state();
  expect(separators.length).toBeLessThanOrEqual(1023);
  expect(separators.length).toBeGreaterThan(300);
  const sizes = Array<number>(separators.length + 1).fill(0);
  for (const place of places) sizes[bucketAt(separators, place)]! += 1;
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * Math.min(...sizes.slice(0, -1)));
});
