import { expect, test } from "vitest";
import { Checkpoints } from "./checkpoints.js";
import type { SqliteConnection } from "./driver/driver.js";

/** Checkpoints of a log whose length the test sets. */
function checkpointsOf(exec: () => void) {
  const log = { frames: 0, flush: () => Promise.resolve(), flushNow: () => {}, close: () => {} };
  const connection: SqliteConnection = {
    exec,
    prepareRun: () => () => {},
    prepareValue: () => () => undefined,
    prepareColumn: () => () => [],
    isInTransaction: () => false,
    close: () => {},
  };
  return { log, checkpoints: new Checkpoints(connection, log) };
}

test("a checkpoint is due at 2,500 pages, again after 625 more, and at 2,500 once the log has begun anew", () => {
  const { log, checkpoints } = checkpointsOf(() => {});
  const isDueAt = (frames: number): boolean => {
    log.frames = frames;
    return checkpoints.isDue();
  };
  expect([isDueAt(2499), isDueAt(2500)]).toEqual([false, true]);
  checkpoints.run();
  expect([isDueAt(3124), isDueAt(3125)]).toEqual([false, true]);
  expect([isDueAt(10), isDueAt(2499), isDueAt(2500)]).toEqual([false, false, true]);
});

test("one that fails is tried again after 625 pages more", () => {
  const { log, checkpoints } = checkpointsOf(() => {
    throw new Error("disk full");
  });
  log.frames = 2600;
  expect(() => checkpoints.run()).not.toThrow();
  log.frames = 3224;
  expect(checkpoints.isDue()).toBe(false);
  log.frames = 3225;
  expect(checkpoints.isDue()).toBe(true);
});
