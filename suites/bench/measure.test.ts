/** What the bench says of its peers: which turns count, and what callers who work together are counted with. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { takeTurns, together } from "../../bench/harness/measure.js";

test("rate, median and disk are those of the quietest turn, the slowest calls those of all turns but the warm-up", async () => {
  const turnsUs = [1, 500, 100, 900];
  const flushesMs = [5, 1, 9];
  const [measured] = await takeTurns(
    [
      {
        peer: "a",
        takeTurn: () => {
          const us = turnsUs.shift() ?? 0;
          const latenciesUs = Array.from({ length: 20 }, () => us);
          const cpuUs = us / 10;
          return Promise.resolve({ latenciesUs, operations: 20, perSecond: 1e6 / us, cpuUs });
        },
      },
    ],
    { rounds: 3, turnMs: 1 },
    () => flushesMs.shift() ?? 0,
  );
  expect(measured).toEqual({
    peer: "a",
    p50Us: 100,
    p99Us: 900,
    perSecond: 10_000,
    operations: 60,
    cpuUs: 50,
    flushMs: 1,
  });
});

test("callers work at the same time, each makes one call after the other, and every reply is checked", async () => {
  const [underWay, checked] = [new Set<number>(), new Array<unknown>()];
  let most = 0;
  const turn = await together(8, 40, (caller) => ({
    run: async () => {
      expect(underWay.has(caller)).toBe(false);
      underWay.add(caller);
      most = Math.max(most, underWay.size);
      await sleep(2);
      underWay.delete(caller);
      return caller;
    },
    check: (reply) => checked.push(reply),
  }));
  expect(most).toBe(8);
  expect(new Set(checked)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  expect(turn.operations).toBe(checked.length);
  const wrong = together(1, 10, () => ({
    run: () => Promise.resolve(1),
    check: () => {
      throw new Error("a wrong reply");
    },
  }));
  await expect(wrong).rejects.toThrow("a wrong reply");
});
