import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addSums, equalSums, roundSum, subtractSums, sumOf, type ExactSum } from "./exact-sum.js";
import { doubleToUnits, unitsToDouble } from "./fixed-point.js";

function total(values: readonly number[]): ExactSum {
  return values.reduce<ExactSum>((sum, value) => addSums(sum, sumOf(value)), 0);
}

/** The correctly rounded sum by whole numbers, which share nothing with the expansions but their unit. */
function referenceSum(values: readonly number[]): number {
  return unitsToDouble(values.reduce((units, value) => units + doubleToUnits(value), 0n));
}

const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer().map((cents) => cents / 100),
  fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent),
  fc.constantFrom(1e20, -1e20, 1, 0.1, 1e9 + 0.01, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, -0),
);
const anyDouble = fc.oneof(finite, fc.constantFrom(NaN, Infinity, -Infinity));

describe("exact sums", () => {
  test("1e20 in and out among a hundred ones leaves exactly 100", () => {
    const values = [...Array<number>(50).fill(1), 1e20, ...Array<number>(50).fill(1)];
    expect(subtractSums(total(values), 1e20)).toBe(100);
  });

  test("a sum that is a double is stored as that number", () => {
    expect(total([1, 2, 3])).toBe(6);
    expect(total([0.5, 0.25])).toBe(0.75);
    expect(total([0.1, 0.2, -0.1, -0.2])).toBe(0);
  });

  test("a sum of negative zeros is zero", () => {
    expect(Object.is(total([-0, -0]), 0)).toBe(true);
  });

  test("rounds to infinity only when the true sum does, and comes back", () => {
    const doubled = total([Number.MAX_VALUE, Number.MAX_VALUE]);
    expect(roundSum(doubled)).toBe(Infinity);
    expect(subtractSums(doubled, Number.MAX_VALUE)).toBe(Number.MAX_VALUE);
    expect(roundSum(total([Number.MAX_VALUE, 2 ** 969]))).toBe(Number.MAX_VALUE);
    expect(roundSum(total([-Number.MAX_VALUE, -(2 ** 970)]))).toBe(-Infinity);
  });

  test("NaN and infinities leave when they are taken away", () => {
    const values = total([1, NaN, Infinity, 2]);
    expect(roundSum(values)).toBeNaN();
    const withoutNaN = subtractSums(values, sumOf(NaN));
    expect(roundSum(withoutNaN)).toBe(Infinity);
    expect(roundSum(addSums(withoutNaN, sumOf(-Infinity)))).toBeNaN();
    expect(subtractSums(withoutNaN, sumOf(Infinity))).toBe(3);
  });

  test("is the correctly rounded true sum", () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 40, size: "max" }), (values) => {
        expect(roundSum(total(values))).toBe(referenceSum(values));
      }),
      { numRuns: 500 },
    );
  });

  test("does not depend on the order, and equal sums are equal values", () => {
    fc.assert(
      fc.property(
        fc.array(anyDouble, { maxLength: 20, size: "max" }),
        fc.array(anyDouble, { maxLength: 10 }),
        (values, others) => {
          const forward = total([...values, ...others]);
          const backward = total([...others.toReversed(), ...values.toReversed()]);
          expect(backward).toEqual(forward);
          expect(equalSums(backward, forward)).toBe(true);
          const withoutOthers = others.reduce((sum, value) => subtractSums(sum, sumOf(value)), forward);
          expect(withoutOthers).toEqual(total(values));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("a double is a whole number of the smallest double, both ways", () => {
    fc.assert(
      fc.property(finite, (value) => {
        expect(unitsToDouble(doubleToUnits(value))).toBe(value + 0);
      }),
    );
  });
});
