import { expect, test, vi } from "vitest";
import { FlushPace } from "./flush-pace.js";

/** How many commits, one after the other, may block before one may not. */
function blockingOf(pace: FlushPace): number {
  let count = 0;
  while (pace.mayBlock(1)) count++;
  return count;
}

test("a lone caller on a quick disk blocks, and looks now and then whether others came", () => {
  const pace = new FlushPace(0.3);
  expect([pace.isShared, blockingOf(pace)]).toEqual([false, 8]);
  pace.endedBeside(0.4, 1, 0);
  expect([pace.isShared, blockingOf(pace)]).toEqual([false, 8]);
});

test.each([
  ["others came meanwhile", 1, 1],
  ["it served several", 2, 0],
])(
  "after a flush beside the event loop it is shared when %s, until one was for a single commit",
  (_when, served, gathered) => {
    const pace = new FlushPace(0.3);
    pace.endedBeside(0.3, served, gathered);
    expect([pace.isShared, blockingOf(pace)]).toEqual([true, 0]);
    pace.endedBeside(0.3, 1, 0);
    expect([pace.isShared, blockingOf(pace)]).toEqual([false, 8]);
  },
);

test("a group never blocks", () => {
  expect(new FlushPace(0.3).mayBlock(2)).toBe(false);
});

test("a slow disk never blocks, and one that becomes slow soon does not any more", () => {
  expect(new FlushPace(1.1).mayBlock(1)).toBe(false);
  const pace = new FlushPace(0.3);
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  pace.time(() => now.mockReturnValue(5));
  expect(pace.mayBlock(1)).toBe(true);
  now.mockReturnValue(0);
  pace.time(() => now.mockReturnValue(5));
  expect(pace.mayBlock(1)).toBe(false);
  vi.restoreAllMocks();
});
