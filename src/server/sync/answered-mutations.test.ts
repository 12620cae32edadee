import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AnsweredMutations, type AnsweredMutation } from "./answered-mutations.js";

const minuteMs = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Answers requests, and counts how often one was really run. */
function counting(answered: AnsweredMutations): {
  ask: (sessionId: string, requestId: number) => Promise<unknown>;
  runs: () => number;
} {
  let runs = 0;
  const run = async (): Promise<AnsweredMutation> => {
    const result = ++runs;
    return {
      response: { type: "MutationResponse", requestId: 0, success: true, result, logLines: [] },
      version: 0,
    };
  };
  return {
    ask: async (sessionId, requestId) => (await answered.once(sessionId, requestId, run)).response.result,
    runs: () => runs,
  };
}

test("a request is run once, and another request or session apart from it", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.connect("a");
  answered.connect("b");
  expect(await Promise.all([ask("a", 1), ask("a", 1), ask("a", 2), ask("b", 1)])).toEqual([1, 1, 2, 3]);
  expect(await ask("a", 1)).toBe(1);
});

test("answers are kept while one of several connections of the session is open, however long", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.connect("a");
  answered.connect("a");
  expect(await ask("a", 1)).toBe(1);
  answered.disconnect("a");
  vi.advanceTimersByTime(24 * 60 * minuteMs);
  expect(await ask("a", 1)).toBe(1);
});

test("after the last connection answers are kept for ten minutes", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.connect("a");
  expect(await ask("a", 1)).toBe(1);
  answered.disconnect("a");
  vi.advanceTimersByTime(10 * minuteMs - 1);
  expect(await ask("a", 1)).toBe(1);
  vi.advanceTimersByTime(1);
  answered.connect("a");
  expect(await ask("a", 1)).toBe(2);
});

test("a client that comes back in time is not forgotten afterwards", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.connect("a");
  expect(await ask("a", 1)).toBe(1);
  answered.disconnect("a");
  vi.advanceTimersByTime(9 * minuteMs);
  answered.connect("a");
  vi.advanceTimersByTime(60 * minuteMs);
  expect(await ask("a", 1)).toBe(1);
  answered.disconnect("a");
  vi.advanceTimersByTime(10 * minuteMs);
  answered.connect("a");
  expect(await ask("a", 1)).toBe(2);
});

test("a session keeps its latest thousand answers", async () => {
  const answered = new AnsweredMutations();
  const { ask, runs } = counting(answered);
  answered.connect("a");
  for (let requestId = 1; requestId <= 1_000; requestId++) await ask("a", requestId);
  expect(await ask("a", 1)).toBe(1);
  expect(await ask("a", 1_001)).toBe(1_001);
  expect(await ask("a", 2)).toBe(2);
  expect(runs()).toBe(1_001);
  expect(await ask("a", 1)).toBe(1_002);
  expect(await ask("a", 3)).toBe(3);
  expect(await ask("a", 2)).toBe(1_003);
});

test("a session that is not connected has no answers, and may be disconnected", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.disconnect("a");
  expect([await ask("a", 1), await ask("a", 1)]).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what is cleared is forgotten, and nothing is left that would run later", async () => {
  const answered = new AnsweredMutations();
  const { ask } = counting(answered);
  answered.connect("a");
  answered.connect("b");
  await ask("a", 1);
  answered.disconnect("a");
  expect(vi.getTimerCount()).toBe(1);
  answered.clear();
  expect(vi.getTimerCount()).toBe(0);
  answered.connect("a");
  expect(await ask("a", 1)).toBe(2);
});
