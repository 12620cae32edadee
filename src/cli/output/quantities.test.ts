import { expect, test } from "vitest";
import { ago, bytes, duration, number, quantity, rate } from "./quantities.js";

test("counts have separators, rates a decimal only when small, durations at most two units", () => {
  expect(quantity(231_083)).toBe("231,083");
  expect([rate(0.25), rate(9.96), rate(12_345.6)]).toEqual(["0.3/s", "10.0/s", "12,346/s"]);
  expect([-1, 0.4, 59.4, 200, 3599.6, 7_500].map(duration)).toEqual([
    "0s",
    "0s",
    "59s",
    "3m 20s",
    "1h 00m",
    "2h 05m",
  ]);
});

test("sizes and ages are short, numbers exact as far as that can be read", () => {
  expect([0, 312, 1023, 4200, 23 * 2 ** 20].map(bytes)).toEqual([
    "0 B",
    "312 B",
    "1.0 KB",
    "4.1 KB",
    "23 MB",
  ]);
  expect([0, 90_000, 7_200_000, 2 * 86_400_000].map(ago)).toEqual(["now", "1m ago", "2h ago", "2d ago"]);
  expect([0, -1234.5, 0.1 + 0.2, 1e20, 1e-9, NaN].map(number)).toEqual([
    "0",
    "-1,234.5",
    "0.3",
    "1.000e+20",
    "1.000e-9",
    "NaN",
  ]);
});
