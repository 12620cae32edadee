/** Tests the worker when something goes wrong: the component itself is the app, so that its tables and jobs can be reached. */
import { convexTest } from "convex-test";
import { anyApi } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import aggregateTest from "../test.js";
import type { ComponentApi } from "./_generated/component.js";

const { deadLetter, inspect, queue, reads, writes } = anyApi as unknown as ComponentApi;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function newTest(transactionLimits?: { bytesWritten?: number; documentsWritten?: number }) {
  const { schema, modules } = aggregateTest;
  return convexTest({ schema, modules, ...(transactionLimits && { transactionLimits }) });
}

type Test = ReturnType<typeof newTest>;

interface Insert {
  type: "insert";
  key: number | string;
  id: string;
}

function inserts(count: number): Insert[] {
  return Array.from({ length: count }, (_, index) => ({ type: "insert", key: (index * 7) % count, id: "a" }));
}

async function countOf(t: Test): Promise<number> {
  const [count = 0] = await t.query(reads.counts, { queries: [{}] });
  expect(await t.query(inspect.validate, {})).toMatchObject({ problems: [] });
  return count;
}

test("a run that was lost is replaced by the watchdog", async () => {
  const t = newTest();
  await t.mutation(queue.enqueue, { operations: inserts(3) });
  await t.run(async (ctx) => {
    const jobs = await ctx.db.system.query("_scheduled_functions").collect();
    expect(jobs.map(({ name }) => name).toSorted()).toEqual(["worker:run", "worker:watch"]);
    for (const job of jobs) if (job.name === "worker:run") await ctx.scheduler.cancel(job._id);
  });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await countOf(t)).toBe(3);
  expect(await t.query(queue.status, {})).toMatchObject({ state: "idle", pendingOperations: 0 });
});

test("a batch that exceeds a limit as a whole is applied in parts", async () => {
  const t = newTest({ bytesWritten: 12_000 });
  await t.run(async (ctx) => {
    await ctx.db.insert("pendingOperations", { commitTs: 1n, operations: inserts(200) });
  });
  await t.mutation(queue.enqueue, { operations: [{ type: "put", key: 1000, id: "b" }] });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await countOf(t)).toBe(201);
  expect(await t.query(queue.status, {})).toMatchObject({ hasDeadLetters: false });
});

test("a run stops before the transaction's budget of documents is used up", async () => {
  const t = newTest({ documentsWritten: 130 });
  await t.mutation(queue.enqueue, { operations: inserts(1000) });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await countOf(t)).toBe(1000);
  expect(vi.mocked(console.error)).not.toHaveBeenCalled();
});

test("an operation that fails alone, whatever the reason, becomes a dead letter", async () => {
  const t = newTest({ bytesWritten: 30_000 });
  for (const letter of ["a", "b", "c", "d"]) {
    const operation: Insert = { type: "insert", key: letter.repeat(3500), id: letter };
    await t.mutation(writes.apply, { operations: [operation] });
  }
  // It fits the limit by itself, but not together with the node that it would come into.
  const large: Insert = { type: "insert", key: "x".repeat(20_000), id: "large" };
  await t.run((ctx) =>
    ctx.db.insert("pendingOperations", { commitTs: 1n, operations: [large, ...inserts(5)] }),
  );
  await t.mutation(queue.enqueue, { operations: [{ type: "put", key: 1000, id: "b" }] });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  const { page } = await t.query(deadLetter.list, { paginationOpts: { numItems: 10, cursor: null } });
  expect(page).toMatchObject([{ operation: { id: "large" }, error: expect.stringContaining("bytes") }]);
  expect(await countOf(t)).toBe(10);
});
