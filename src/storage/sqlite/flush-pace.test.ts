import { afterEach, expect, test, vi } from "vitest";
import { FlushPace, UnflushedPace } from "./flush-pace.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many flushes, each of so many milliseconds and commits, may block before one may not. */
function blockingOf(pace: FlushPace, tookMs: number, served = 1): number {
  let nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  let count = 0;
  for (; pace.mayBlock(false); count++) pace.block(() => (nowMs += tookMs), served);
  return count;
}

test("on a quick disk flushes block, until they have for 8 ms: then one looks whether others come meanwhile", () => {
  const pace = new FlushPace(0.5);
  expect([blockingOf(pace, 0.5), pace.isShared]).toEqual([16, false]);
  pace.endedBeside(0.5, 1, 0);
  expect([blockingOf(pace, 0.5), pace.isShared]).toEqual([16, false]);
});

test("none blocks as long as others come meanwhile", () => {
  const pace = new FlushPace(0.5);
  pace.endedBeside(0.5, 1, 1);
  expect([pace.mayBlock(false), pace.isShared]).toEqual([false, true]);
  pace.endedBeside(0.5, 1, 0);
  expect([pace.mayBlock(false), pace.isShared]).toEqual([true, false]);
});

test("one that serves several says that more come before the event loop has turned, but nothing against blocking", () => {
  const beside = new FlushPace(0.5);
  beside.endedBeside(0.5, 2, 0);
  expect([beside.mayBlock(false), beside.isShared]).toEqual([true, true]);
  const blocking = new FlushPace(0.5);
  expect([blockingOf(blocking, 0.5, 2), blocking.isShared]).toEqual([16, true]);
});

test("on a slow disk none blocks, and one that becomes slow soon does not any more", () => {
  expect(new FlushPace(1.1).mayBlock(false)).toBe(false);
  expect(blockingOf(new FlushPace(0.3), 5)).toBe(2);
});

test("none blocks while the disk has other work", () => {
  const pace = new FlushPace(0.1);
  expect([pace.mayBlock(false), pace.mayBlock(true), pace.mayBlock(false)]).toEqual([true, false, true]);
});

test("a single flush that takes long does not make a quick disk a slow one, steadily long ones do", () => {
  const pace = new FlushPace(0.3);
  pace.endedBeside(500, 1, 0);
  expect(pace.mayBlock(false)).toBe(true);
  for (let flush = 0; flush < 8; flush++) pace.endedBeside(1.9, 1, 0);
  expect(pace.mayBlock(false)).toBe(false);
});

/** Of so many groups of one commit each, which were gathered until the event loop turned. */
function gatheredOf(pace: UnflushedPace, groups: number): number[] {
  const gathered: number[] = [];
  for (let group = 0; group < groups; group++) {
    if (pace.isShared) gathered.push(group);
    pace.block(() => {}, 1);
  }
  return gathered;
}

test("without flushes, commits that come alone are made at once, but for one in 32, which looks for others", () => {
  expect(gatheredOf(new UnflushedPace(), 70)).toEqual([0, 32, 64]);
});

test("without flushes, commits wait for others as long as others come", () => {
  const pace = new UnflushedPace();
  pace.block(() => {}, 2);
  expect(pace.isShared).toBe(true);
  pace.block(() => {}, 1);
  expect(gatheredOf(pace, 31)).toEqual([]);
});

test("without flushes, nothing is flushed", () => {
  const pace = new UnflushedPace();
  expect(pace.mayBlock()).toBe(true);
  pace.block(() => {
    throw new Error("flushed");
  }, 1);
});
