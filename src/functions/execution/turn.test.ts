import { expect, test } from "vitest";
import { Turn } from "./turn.js";

function recorder(turn: Turn) {
  const log: string[] = [];
  const step = async (name: string, fail: boolean): Promise<string> => {
    log.push(`${name} begins`);
    await Promise.resolve();
    await Promise.resolve();
    log.push(`${name} ends`);
    if (fail) throw new Error(name);
    return name;
  };
  const take = async (name: string, fail = false): Promise<string> => {
    const entered = await turn.enter();
    try {
      return await step(name, fail);
    } finally {
      if (entered) turn.leave();
    }
  };
  const read = async (name: string): Promise<string> => {
    const waiting = turn.free();
    if (waiting !== null) await waiting;
    return await step(name, false);
  };
  return { log, take, read };
}

test("operations started together run one after another, also after a failure", async () => {
  const { log, take } = recorder(new Turn({ isInside: () => false }));
  const results = await Promise.allSettled([take("a"), take("b", true), take("c")]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("a read waits for the turn to be free, and reads do not wait for each other", async () => {
  const { log, take, read } = recorder(new Turn({ isInside: () => false }));
  await Promise.all([read("r1"), read("r2"), take("w"), read("r3"), take("w2")]);
  expect(log.slice(0, 2)).toEqual(["r1 begins", "r2 begins"]);
  expect(log.indexOf("r3 begins")).toBeGreaterThan(log.indexOf("w ends"));
  expect(log.indexOf("w2 begins")).toBeGreaterThan(log.indexOf("w ends"));
});

test("what runs inside the turn neither waits for it nor ends it", async () => {
  let inside = false;
  const turn = new Turn({ isInside: () => inside });
  expect(turn.enter()).toBe(true);
  const waiting = turn.enter();
  inside = true;
  expect([turn.enter(), turn.free()]).toEqual([false, null]);
  inside = false;
  turn.leave();
  expect(await waiting).toBe(true);
  turn.leave();
  expect(turn.free()).toBeNull();
});
