import { expect, test } from "vitest";
import { Turn } from "./turn.js";

function recorder(): { log: string[]; step: (name: string, fail?: boolean) => () => Promise<string> } {
  const log: string[] = [];
  return {
    log,
    step: (name, fail = false) => async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      await Promise.resolve();
      log.push(`${name} ends`);
      if (fail) throw new Error(name);
      return name;
    },
  };
}

test("operations started together run one after another, also after a failure", async () => {
  const turn = new Turn(() => false);
  const { log, step } = recorder();
  const results = await Promise.allSettled([turn.take(step("a")), turn.take(step("b", true)), turn.take(step("c"))]);
  expect(results.map((r) => r.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("a read waits for the turn to be free, and reads do not wait for each other", async () => {
  const turn = new Turn(() => false);
  const { log, step } = recorder();
  await Promise.all([turn.read(step("r1")), turn.read(step("r2")), turn.take(step("w")), turn.read(step("r3"))]);
  expect(log.slice(0, 3)).toEqual(["r1 begins", "r2 begins", "w begins"]);
  expect(log.indexOf("r3 begins")).toBeGreaterThan(log.indexOf("w ends"));
});

test("what runs inside the turn does not wait for it", async () => {
  let inside = false;
  const turn = new Turn(() => inside);
  const result = await turn.take(async () => {
    inside = true;
    const inner = await turn.take(() => Promise.resolve("inner"));
    return [inner, await turn.read(() => Promise.resolve("read"))];
  });
  expect(result).toEqual(["inner", "read"]);
});
