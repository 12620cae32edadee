import { expect, test } from "vitest";
import * as seams from "./index.js";

test("every brand is known to all copies of this code by its name", () => {
  const names = Object.values(seams)
    .filter((value) => typeof value === "symbol")
    .map((symbol) => Symbol.keyFor(symbol));
  expect(new Set(names)).toEqual(
    new Set(
      [
        "aggregate",
        "asking",
        "handover",
        "migration",
        "nativeStore",
        "nativeTriggers",
        "request",
        "runningFunction",
        "transform",
        "triggers",
        "waiver",
      ].map((name) => `trueup.${name}`),
    ),
  );
});

test("a database without a native store has none", () => {
  expect(seams.nativeStoreOf({})).toBeNull();
  expect(seams.nativeStoreOf({ [seams.nativeStore]: {} })).toBeNull();
  const store = { cells: (): void => {} };
  expect(seams.nativeStoreOf({ [seams.nativeStore]: store })).toBe(store);
});
