import fc from "fast-check";
import { expect, test } from "vitest";
import { progressOf, type Build } from "./progress.js";

const begun: Build = {
  generation: 1,
  isFilled: false,
  processed: 0,
  total: null,
  span: null,
  batchSize: 64,
  activeMs: 0,
  latestAtMs: 0,
};

test("nothing is foretold before there is anything to tell it from", () => {
  const unknown = { processed: 0, total: null, ratePerSecond: null, etaMs: null };
  expect(progressOf(null)).toEqual(unknown);
  expect(progressOf(begun)).toEqual(unknown);
  const empty = { ...begun, total: 0, isFilled: true };
  expect(progressOf(empty)).toMatchObject({ processed: 0, total: 0, etaMs: null });
});

test("what is left takes as long, for its size, as what was done", () => {
  const half = { ...begun, processed: 500, total: 1000, activeMs: 2000 };
  expect(progressOf(half)).toEqual({ processed: 500, total: 1000, ratePerSecond: 250, etaMs: 2000 });
});

test("where the database keeps no count, the times of creation tell how far it is", () => {
  const quarter = {
    ...begun,
    processed: 100,
    activeMs: 300,
    span: { first: 1000, last: 5000 },
    cursor: { creationTime: 2000, id: "x" },
  };
  expect(progressOf(quarter)).toEqual({ processed: 100, total: null, ratePerSecond: 1000 / 3, etaMs: 900 });
});

test("a build is over when it is filled, however many documents came meanwhile", () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(5000),
      fc.integer({ min: 1, max: 1e6 }),
      (processed, total, activeMs) => {
        const build = { ...begun, processed, total, activeMs };
        expect(progressOf({ ...build, isFilled: true }).etaMs).toBe(0);
        const { etaMs } = progressOf(build);
        expect(etaMs === null || (Number.isFinite(etaMs) && etaMs >= 0)).toBe(true);
      },
    ),
  );
});
