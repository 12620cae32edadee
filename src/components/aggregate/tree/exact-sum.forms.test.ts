/** How sums are stored, and what is said of each form: the form of a sum is a format, and equal sums have one form. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addExactly,
  addSums,
  equalSums,
  roundSum,
  subtractSums,
  SumAccumulator,
  sumOf,
  sumParts,
  type ExactSum,
} from "./exact-sum.js";
import { doubleToUnits, unitsToDouble } from "./fixed-point.js";

const max = Number.MAX_VALUE;
const tiny = Number.MIN_VALUE;

/** Hexadecimal units of 2^-1074. */
function hex(units: bigint): string {
  return units.toString(16);
}
const maxUnits = (2n ** 53n - 1n) << 2045n;

const mixed = (counts: { nan?: number; positive?: number; negative?: number }): ExactSum => ({
  ...{ finite: 0, nan: 0, positive: 0, negative: 0 },
  ...counts,
});

function total(values: readonly number[]): ExactSum {
  const accumulator = new SumAccumulator();
  for (const value of values) accumulator.add(value);
  return accumulator.result();
}

describe("the form of a sum", () => {
  const sums: readonly (readonly [values: readonly number[], sum: ExactSum])[] = [
    [[], 0],
    [[0], 0],
    [[1, 2], 3],
    [[-1.5], -1.5],
    [
      [1e20, 1],
      [1e20, 1],
    ],
    [
      [1, 1e20, 1e-20],
      [1e20, 1, 1e-20],
    ],
    [
      [0.1, 0.2],
      [0.30000000000000004, -2.7755575615628914e-17],
    ],
    [[1e20, 1, -1e20], 1],
    [
      [2 ** 53, 1],
      [2 ** 53, 1],
    ],
    [[2 ** 53, 1, 1], 2 ** 53 + 2],
    [
      [2 ** 53, 1, 2 ** -60],
      [2 ** 53 + 2, -1, 2 ** -60],
    ],
    [
      [2 ** 53, 1, -(2 ** -60)],
      [2 ** 53, 1, -(2 ** -60)],
    ],
    [
      [-(2 ** 53), -1, -(2 ** -60)],
      [-(2 ** 53) - 2, 1, -(2 ** -60)],
    ],
    [[tiny, tiny], 2 * tiny],
    [
      [1, tiny],
      [1, tiny],
    ],
    [[2 ** 1020, 2 ** 1020], 2 ** 1021],
    [
      [2 ** 1020, 1],
      [2 ** 1020, 1],
    ],
    [[2 ** 1019, 2 ** 1019], 2 ** 1020],
    [[max, max], hex(2n * maxUnits)],
    [[-max, -max], hex(-2n * maxUnits)],
    [[max, max, tiny], hex(2n * maxUnits + 1n)],
    [[max, max, -max], max],
    [
      [max, max, -max, 1],
      [max, 1],
    ],
    [[max, max, -max, -max], 0],
    [
      [max, 2 ** 969],
      [max, 2 ** 969],
    ],
    [[max, 2 ** 970], hex(maxUnits + (1n << 2044n))],
  ];
  test.each(sums.map(([values, sum]) => ({ values, sum })))("of $values is $sum", ({ values, sum }) => {
    expect(total(values)).toStrictEqual(sum);
    expect(total(values.toReversed())).toStrictEqual(sum);
    expect(values.reduce<ExactSum>((so, value) => addSums(so, sumOf(value)), 0)).toStrictEqual(sum);
    expect(addSums(sum, 0)).toStrictEqual(sum);
    expect(addSums(0, sum)).toStrictEqual(sum);
    expect(subtractSums(sum, sum)).toStrictEqual(0);
  });

  test("of many values that only together leave the range of doubles is right", () => {
    const many = Array.from({ length: 33 }, () => 2 ** 1019);
    expect(total(many)).toStrictEqual(hex(33n << 2093n));
    expect(total(many.map((value) => -value))).toStrictEqual(hex(-33n << 2093n));
    expect(total([...many, ...many.slice(2).map((value) => -value)])).toStrictEqual(2 ** 1020);
  });

  test("of a value that is no number is a count", () => {
    expect(sumOf(NaN)).toStrictEqual(mixed({ nan: 1 }));
    expect(sumOf(Infinity)).toStrictEqual(mixed({ positive: 1 }));
    expect(sumOf(-Infinity)).toStrictEqual(mixed({ negative: 1 }));
    expect(sumOf(-0)).toStrictEqual(0);
    expect(sumOf(2.5)).toBe(2.5);
    const all = [NaN, Infinity, Infinity, -Infinity, 1e20, 1].map(sumOf).reduce(addSums);
    expect(all).toStrictEqual({ finite: [1e20, 1], nan: 1, positive: 2, negative: 1 });
    expect(subtractSums(all, sumOf(Infinity))).toStrictEqual({
      ...{ finite: [1e20, 1], nan: 1, positive: 1, negative: 1 },
    });
    expect(subtractSums(subtractSums(all, all), 1)).toStrictEqual(-1);
  });

  test("is never a negative zero", () => {
    expect(addSums(-0, -0)).toStrictEqual(0);
    expect(subtractSums(0, 0)).toStrictEqual(0);
    expect(subtractSums(-0, 0)).toStrictEqual(0);
    expect(addSums([1e20, 1], [-1e20, -1])).toStrictEqual(0);
  });

  test("is a double only where doubles suffice", () => {
    expect(addExactly(1, 2)).toBe(3);
    expect(addExactly(-0, -0)).toBe(0);
    expect(addExactly(0.5, 2 ** 50)).toBe(2 ** 50 + 0.5);
    expect(addExactly(0.1, 0.2)).toBeNull();
    expect(addExactly(2 ** 53, 1)).toBeNull();
    expect(addExactly(max, max)).toBeNull();
    expect(addExactly(-max, -max)).toBeNull();
    expect(addExactly(max, -max)).toBe(0);
  });
});

test("each form is rounded to what it is nearest to", () => {
  const huge = hex(2n * maxUnits);
  expect([5, [1e20, 1], huge, `-${huge}`].map((sum) => roundSum(sum))).toEqual([
    5,
    1e20,
    Infinity,
    -Infinity,
  ]);
  expect(roundSum(mixed({ nan: 1, positive: 1 }))).toBeNaN();
  expect(roundSum(mixed({ positive: 1, negative: 1 }))).toBeNaN();
  expect(roundSum(mixed({ positive: 2 }))).toBe(Infinity);
  expect(roundSum(mixed({ negative: 1 }))).toBe(-Infinity);
  expect(roundSum({ finite: [7, 1e-20], nan: 0, positive: 0, negative: 0 })).toBe(7);
  // Counts may be negative for a while: what is taken away first is added later.
  expect(roundSum(mixed({ nan: -1 }))).toBe(0);
});

test("the room that a sum takes is told in doubles", () => {
  expect([0, [1e20, 1], [1e20, 1, 1e-20]].map((sum) => sumParts(sum))).toEqual([1, 2, 3]);
  expect(sumParts("f".repeat(512))).toBe(64);
  expect(sumParts(mixed({ nan: 1 }))).toBe(4);
  expect(sumParts({ finite: [1e20, 1], nan: 1, positive: 0, negative: 0 })).toBe(5);
});

test("sums are equal when they are the same in every part", () => {
  const huge = hex(2n * maxUnits);
  const different: ExactSum[] = [
    0,
    1,
    [1e20, 1],
    [1e20, 2],
    [1e20, 1, 1e-20],
    huge,
    `-${huge}`,
    mixed({ nan: 1 }),
    mixed({ nan: 2 }),
    mixed({ positive: 1 }),
    mixed({ negative: 1 }),
    mixed({ positive: 1, negative: 1 }),
    { finite: 1, nan: 1, positive: 0, negative: 0 },
    { finite: [1e20, 1], nan: 1, positive: 0, negative: 0 },
  ];
  for (const [i, a] of different.entries()) {
    for (const [j, b] of different.entries()) {
      expect([i, j, equalSums(a, structuredClone(b))]).toEqual([i, j, i === j]);
    }
  }
});

describe("doubles as whole numbers of the smallest double", () => {
  const pairs: readonly (readonly [units: bigint, double: number])[] = [
    [0n, 0],
    [1n, tiny],
    [2n ** 52n - 1n, 2.225073858507201e-308],
    [2n ** 52n, 2.2250738585072014e-308],
    [2n ** 53n - 1n, (2 ** 53 - 1) * tiny],
    [2n ** 53n, 2 ** -1021],
    [(2n ** 53n - 1n) << 1n, (2 ** 53 - 1) * (2 * tiny)],
    [1n << 1074n, 1],
    [3n << 1073n, 1.5],
    [maxUnits, max],
  ];
  test.each(pairs)("%d is %d, and the negative ones likewise", (units, double) => {
    expect([doubleToUnits(double), unitsToDouble(units)]).toEqual([units, double]);
    expect([doubleToUnits(-double), unitsToDouble(-units)]).toEqual([-units, 0 - double]);
  });

  test("ties are rounded to even, and everything else to the nearest", () => {
    const one = 2n ** 53n;
    // Doubles are two units apart from here on.
    for (const [above, double] of [
      [0n, 0n],
      [1n, 0n],
      [2n, 2n],
      [3n, 4n],
      [4n, 4n],
      [5n, 4n],
      [7n, 8n],
    ] as const) {
      expect(unitsToDouble(one + above)).toBe(unitsToDouble(one + double));
      expect(unitsToDouble(-one - above)).toBe(unitsToDouble(-one - double));
    }
    expect(doubleToUnits(unitsToDouble(2n ** 60n + 2n ** 7n))).toBe(2n ** 60n);
    expect(doubleToUnits(unitsToDouble(2n ** 60n + 2n ** 7n + 1n))).toBe(2n ** 60n + 2n ** 8n);
    expect(doubleToUnits(unitsToDouble(2n ** 60n + 3n * 2n ** 7n))).toBe(2n ** 60n + 2n ** 9n);
    // Rounding up may need one more bit.
    expect(doubleToUnits(unitsToDouble(2n ** 60n - 1n))).toBe(2n ** 60n);
  });

  test("what is nearer to no double than to the end of them is infinite", () => {
    const half = 1n << 2044n;
    expect(unitsToDouble(maxUnits + half - 1n)).toBe(max);
    expect(unitsToDouble(maxUnits + half)).toBe(Infinity);
    expect(unitsToDouble(-maxUnits - half + 1n)).toBe(-max);
    expect(unitsToDouble(-maxUnits - half)).toBe(-Infinity);
  });
});

test("each part is the double nearest to what the parts from it on add up to", () => {
  const double = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent),
  );
  fc.assert(
    fc.property(fc.array(double, { maxLength: 12 }), (values) => {
      const sum = total(values);
      if (!Array.isArray(sum)) return;
      for (const [index, part] of sum.entries()) {
        const rest = sum.slice(index).reduce((units, value) => units + doubleToUnits(value), 0n);
        expect(part).toBe(unitsToDouble(rest));
        expect(part).not.toBe(0);
      }
    }),
  );
});
