import { expect, test } from "vitest";
import { processorMs, Turns } from "./turns.js";

function compute(ms: number): void {
  const end = processorMs() + ms;
  while (processorMs() < end);
}

test("turns are shared once somebody has waited, whether or not somebody still does", () => {
  let isAwaited = false;
  const turns = new Turns(() => isAwaited);
  expect(turns.areShared).toBe(false);
  isAwaited = true;
  expect(turns.areShared).toBe(true);
  isAwaited = false;
  expect(turns.areShared).toBe(true);
});

test("whoever waits when a transaction has ended is noticed", () => {
  let isAwaited = true;
  const turns = new Turns(() => isAwaited);
  turns.beginHandOver(1)();
  isAwaited = false;
  expect(turns.areShared).toBe(true);
});

test("what a commit will take is told from those before, by how much they changed", () => {
  const turns = new Turns(() => false);
  expect(turns.commitMs(100)).toBe(0);
  const handedOver = turns.beginHandOver(200);
  compute(4);
  handedOver();
  expect(turns.commitMs(100)).toBeGreaterThanOrEqual(2);
  expect(turns.commitMs(400)).toBeCloseTo(4 * turns.commitMs(100), 6);
});
