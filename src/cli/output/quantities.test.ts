import { expect, test } from "vitest";
import { duration, quantity, rate } from "./quantities.js";

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
