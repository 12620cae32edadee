import { expect, test } from "vitest";
import { nextVersion } from "./storage.js";

test("a version is the clock's microseconds, or one more than the last where that is later", () => {
  expect(nextVersion(0, 5)).toBe(5_000);
  expect(nextVersion(4_999, 5)).toBe(5_000);
  expect(nextVersion(5_000, 5)).toBe(5_001);
  expect(nextVersion(9_000, 5)).toBe(9_001);
  expect(nextVersion(0, 1.23456)).toBe(1_234);
});
