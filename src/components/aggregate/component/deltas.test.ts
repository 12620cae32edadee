/** Tests deltas when something goes wrong: the component itself is the app, so that its tables and jobs can be reached. */
import { convexTest } from "convex-test";
import { anyApi } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import aggregateTest from "../test.js";
import { internal } from "./_generated/api.js";
import type { ComponentApi } from "./_generated/component.js";

const { deadLetter, inspect, managed, queue, reads, writes } = anyApi as unknown as ComponentApi;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function newTest() {
  const { schema, modules } = aggregateTest;
  return convexTest({ schema, modules });
}

type Test = ReturnType<typeof newTest>;

interface Insert {
  type: "insert" | "put" | "delete";
  key: number;
  id: string;
}

function append(t: Test, ...operations: Insert[]): Promise<unknown> {
  return t.mutation(writes.apply, { operations, deltas: true });
}

async function keysOf(t: Test): Promise<unknown[]> {
  const { page } = await t.query(reads.page, { order: "asc", limit: 10_000 });
  return page.map(({ key }) => key);
}

async function jobsOf(t: Test): Promise<string[]> {
  return t.run(async (ctx) => {
    const jobs = await ctx.db.system.query("_scheduled_functions").collect();
    return jobs.filter(({ state }) => state.kind === "pending").map(({ name }) => name);
  });
}

test("what went wrong after its check changes no answer, and is a dead letter once it is folded", async () => {
  const t = newTest();
  const operations: Insert[] = [
    { type: "insert", key: 1, id: "a" },
    { type: "insert", key: 1, id: "a" },
    { type: "delete", key: 2, id: "a" },
    { type: "insert", key: 3, id: "a" },
  ];
  await t.run(async (ctx) => {
    for (const [index, operation] of operations.entries()) {
      await ctx.db.insert("pendingOperations", {
        commitTs: BigInt(index + 1),
        deltas: true,
        operations: [operation],
      });
    }
  });
  expect(await keysOf(t)).toEqual([1, 3]);
  await append(t, { type: "put", key: 4, id: "a" });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await keysOf(t)).toEqual([1, 3, 4]);
  const letters = await t.query(deadLetter.list, { paginationOpts: { numItems: 10, cursor: null } });
  expect(letters.page).toMatchObject([
    { operation: { type: "insert", key: 1 }, error: expect.stringContaining("DUPLICATE_KEY") },
    { operation: { type: "delete", key: 2 }, error: expect.stringContaining("DELETE_MISSING_KEY") },
  ]);
});

test("an entry that two take for theirs is folded once", async () => {
  const t = newTest();
  await append(t, { type: "insert", key: 1, id: "a" }, { type: "insert", key: 2, id: "a" });
  const { entries } = await t.query(internal.queue.nextBatch, {});
  expect(entries).toHaveLength(1);
  await t.mutation(internal.queue.applyBatch, { entries, limit: 1 });
  expect(await keysOf(t)).toEqual([1, 2]);
  await t.mutation(internal.queue.applyBatch, { entries, limit: 10 });
  await t.mutation(internal.queue.applyBatch, { entries, limit: 10 });
  expect(await keysOf(t)).toEqual([1, 2]);
  expect(await t.query(queue.status, {})).toMatchObject({ pendingOperations: 0, hasDeadLetters: false });
});

test("a writer folds too when the worker does not come, or is behind", async () => {
  const t = newTest();
  for (let key = 0; key < 20; key++) await append(t, { type: "insert", key, id: "a" });
  vi.setSystemTime(Date.now() + 20_000);
  await append(t, { type: "insert", key: 20, id: "a" });
  expect(await t.query(queue.status, {})).toMatchObject({ pendingOperations: 1 });
  expect(await keysOf(t)).toHaveLength(21);
  await t.run(async (ctx) => {
    await ctx.db.insert("progress", { generation: 0, workedAtMs: 0, batchLimit: 1, isBehind: true });
  });
  await append(t, { type: "insert", key: 21, id: "a" });
  expect(await t.query(queue.status, {})).toMatchObject({ pendingOperations: 1 });
  expect(await keysOf(t)).toHaveLength(22);
  expect(await t.query(inspect.validate, {})).toMatchObject({ problems: [], items: 21 });
});

test("what was appended while the worker seemed to run is found by its last look", async () => {
  const t = newTest();
  await append(t, { type: "insert", key: 1, id: "a" });
  expect(await jobsOf(t)).toEqual(["worker:begin"]);
  for (let round = 0; (await jobsOf(t)).some((name) => name !== "worker:begin") || round < 3; round++) {
    vi.advanceTimersByTime(1000);
    await t.finishInProgressScheduledFunctions();
  }
  // This acts as if the snapshot had shown the worker running: no job was made for this one.
  await t.run(async (ctx) => {
    const operation: Insert = { type: "insert", key: 2, id: "a" };
    await ctx.db.insert("pendingOperations", { commitTs: 2n ** 62n, deltas: true, operations: [operation] });
  });
  expect(await t.query(queue.status, {})).toMatchObject({ state: "idle", pendingOperations: 1 });
  expect(await jobsOf(t)).toEqual(["worker:begin"]);
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(inspect.validate, {})).toMatchObject({ items: 2 });
});

test("deltas of a managed aggregate wait for their own generation, and go with it when it is dropped", async () => {
  const t = newTest();
  const follow = (definition: string, key: number) => {
    const operations: Insert[] = [{ type: "put", key, id: "a" }];
    return t.mutation(managed.follow, { definition, operations, begins: true, deltas: true });
  };
  await follow("old", 1);
  await follow("new", 3);
  await follow("new", 4);
  expect(await t.query(queue.status, {})).toMatchObject({ pendingOperations: 3 });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(queue.status, {})).toMatchObject({ pendingOperations: 0, hasDeadLetters: false });
  const trees = await t.query(inspect.listTrees, {});
  expect(trees.map(({ generation }) => generation as number | undefined)).toEqual([2]);
  expect(await t.query(inspect.validate, { definition: "new" })).toMatchObject({ items: 2, problems: [] });
});

test("a mutation that appends many times begins the worker once", async () => {
  const t = newTest();
  await t.run(async (ctx) => {
    for (let key = 0; key < 50; key++) {
      const operations: Insert[] = [{ type: "insert", key, id: "a" }];
      await ctx.runMutation(writes.apply, { operations, deltas: true });
    }
  });
  expect(await jobsOf(t)).toEqual(["worker:begin"]);
  expect(await keysOf(t)).toHaveLength(50);
  await t.mutation(internal.worker.begin, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(inspect.validate, {})).toMatchObject({ items: 50, problems: [] });
});
