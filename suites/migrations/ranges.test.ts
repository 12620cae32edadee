/** A migration that goes through several disjoint ranges at once adds up to one migration and is steered as one. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { component, functionNamed, openApp, trueup, type App, type DataModel } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

const bad = new Set<string>();
afterEach(() => bad.clear());

function app(
  options: { onError?: "quarantine"; maxDocumentsPerSecond?: number; batchSize?: number } = {},
): App {
  return openApp(trueup, (migrations) => ({
    each: migrations.define({
      table: "users",
      ranges: 4,
      batchSize: 5,
      migrateOne: (_ctx, user) => {
        if (bad.has(user.name)) throw new Error("bad");
        return { times: (user.times ?? 0) + 1 };
      },
      down: (_ctx, user) => ({ times: (user.times ?? 0) - 1 }),
      ...options,
    }),
    byScore: migrations.define({
      table: "users",
      ranges: 3,
      batchSize: 5,
      customRange: (q) => q.withIndex("by_plan_and_score", (range) => range.eq("plan", "free")).order("desc"),
      migrateOne: (_ctx, user) => ({ times: (user.times ?? 0) + 1 }),
    }),
    byName: migrations.define({
      table: "users",
      ranges: 3,
      batchSize: 5,
      customRange: (q) => q.withIndex("by_name"),
      migrateOne: (_ctx, user) => ({ times: (user.times ?? 0) + 1 }),
    }),
    after: migrations.define({ table: "users", migrateOne: () => ({ plan: "after" }) }),
    run: migrations.runner(),
  }));
}

/** Inserts users a millisecond apart, so that creation times divide them. */
async function insert(one: App, count: number, from: number = 0): Promise<void> {
  for (let i = from; i < from + count; i++) {
    vi.advanceTimersByTime(1);
    await one.mutate((ctx) => ctx.db.insert("users", { name: `user ${i}`, plan: "free", score: i }));
  }
}

/** Lets every worker that is due do one batch. */
async function turn(one: App): Promise<void> {
  vi.advanceTimersByTime(1);
  await one.t.finishInProgressScheduledFunctions();
}

async function visits(one: App): Promise<(number | undefined)[]> {
  return (await one.users()).map(({ times }) => times);
}

function rangesLeft(one: App): Promise<number> {
  return one.inComponent(async (ctx) => (await ctx.db.query("ranges").collect()).length);
}

test("documents inserted when the range that is open at its end is done, and others are not, are migrated too", async () => {
  const one = app();
  await insert(one, 40);
  vi.advanceTimersByTime(120);
  await insert(one, 1, 40);
  await one.call("each");
  const lastIsDone = () =>
    one.inComponent(async (ctx) => {
      const ranges = await ctx.db.query("ranges").collect();
      return ranges.some(({ until, isDone }) => until === undefined && isDone);
    });
  while (!(await lastIsDone())) await turn(one);
  expect(await one.status("each")).toMatchObject({ state: "inProgress" });
  await insert(one, 1, 41);
  await one.finish();
  expect(await visits(one)).toEqual(Array(42).fill(1));
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 42 });
});

test("every document is migrated once, the status adds up, and what is done is as if it had been one range", async () => {
  const one = app();
  await insert(one, 100);
  await one.call("each", { next: ["migrations:after"] });
  expect(await one.status("each")).toMatchObject({ state: "inProgress", processed: 5, ranges: 4 });
  await turn(one);
  const times = await visits(one);
  for (const part of [0, 25, 50, 75]) expect(times.slice(part, part + 25)).toContain(1);
  expect(await one.status("each")).toMatchObject({ processed: 25, ranges: 4, state: "inProgress" });
  await one.finish();
  expect(await visits(one)).toEqual(Array(100).fill(1));
  const status = await one.status("each");
  expect(status).toMatchObject({ state: "success", processed: 100, failed: 0, skipped: 0, isDone: true });
  expect(status.ranges).toBeUndefined();
  expect(await rangesLeft(one)).toBe(0);
  const [run] = await one.mutate((ctx) => one.migrations.getHistory(ctx, "migrations:each"));
  expect(run).toMatchObject({ outcome: "done", processed: 100 });
  expect((await one.users()).every(({ plan }) => plan === "after")).toBe(true);
});

test("documents inserted while it runs are met by the last range", async () => {
  const one = app();
  await insert(one, 40);
  await one.call("each");
  await insert(one, 20, 40);
  await one.finish();
  expect(await visits(one)).toEqual(Array(60).fill(1));
});

test.each(["pause", "cancel"] as const)("%s stops all ranges, and going on resumes each", async (method) => {
  const one = app();
  await insert(one, 100);
  await one.call("each");
  await turn(one);
  await one.mutate((ctx) => one.migrations[method](ctx, "migrations:each"));
  const state = method === "pause" ? "paused" : "canceled";
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state, processed: 25 });
  if (method === "pause") await one.mutate((ctx) => one.migrations.resume(ctx, "migrations:each"));
  else await one.call("each");
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 100 });
  expect(await visits(one)).toEqual(Array(100).fill(1));
  const runs = await one.mutate((ctx) => one.migrations.getHistory(ctx, "migrations:each"));
  expect(runs.map(({ outcome, processed }) => [outcome, processed])).toEqual([
    ["done", 75],
    [state, 25],
  ]);
});

test("a document that fails stops all ranges and is named; resuming loses and repeats nothing", async () => {
  const one = app();
  await insert(one, 100);
  bad.add("user 60");
  await one.call("each");
  await one.finish();
  const failed = await one.status("each");
  const [culprit] = (await one.users()).filter(({ name }) => name === "user 60");
  expect(failed).toMatchObject({ state: "failed", errorDocumentId: culprit?._id });
  expect(failed.error).toContain("bad");
  expect(failed.processed).toBe((await visits(one)).filter((times) => times === 1).length);
  await one.call("each");
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state: "failed", errorDocumentId: culprit?._id });
  bad.clear();
  await one.call("each");
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 100 });
  expect(await visits(one)).toEqual(Array(100).fill(1));
});

test("quarantine collects the documents of all ranges, and retry migrates them, also meanwhile", async () => {
  const one = app({ onError: "quarantine" });
  await insert(one, 100);
  for (const i of [7, 33, 34, 90]) bad.add(`user ${i}`);
  await one.call("each");
  for (let i = 0; i < 3; i++) await turn(one);
  bad.delete("user 33");
  await one.mutate((ctx) => one.migrations.retry(ctx, "migrations:each"));
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 100, failed: 3 });
  bad.clear();
  expect(await one.mutate((ctx) => one.migrations.retry(ctx, "migrations:each"))).toMatchObject({
    migrated: 3,
  });
  expect(await one.status("each")).toMatchObject({ failed: 0 });
  expect(await visits(one)).toEqual(Array(100).fill(1));
});

test("reset begins again with one range, and divides anew", async () => {
  const one = app();
  await insert(one, 60);
  await one.call("each");
  await turn(one);
  await one.call("each", { reset: true });
  expect(await one.status("each")).toMatchObject({ processed: 5, ranges: 4 });
  await one.finish();
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 60 });
  expect((await visits(one)).every((times) => times === 1 || times === 2)).toBe(true);
});

describe("a revert", () => {
  test("goes through exactly what each range had migrated", async () => {
    const one = app();
    await insert(one, 100);
    await one.call("each");
    await turn(one);
    await turn(one);
    await one.mutate((ctx) => one.migrations.cancel(ctx, "migrations:each"));
    const { processed } = await one.status("each");
    await one.mutate((ctx) => one.migrations.revert(ctx, "migrations:each"));
    expect(await one.status("each")).toMatchObject({ isReverting: true, state: "inProgress" });
    await one.finish();
    expect(await one.status("each")).toMatchObject({ state: "reverted", processed });
    const times = await visits(one);
    expect(times.filter((each) => each === 0)).toHaveLength(processed);
    expect(times.filter((each) => each === undefined)).toHaveLength(100 - processed);
    await one.call("each");
    await one.finish();
    expect(await visits(one)).toEqual(Array(100).fill(1));
  });

  test("of a whole migration is divided too", async () => {
    const one = app();
    await insert(one, 100);
    await one.call("each");
    await one.finish();
    await one.mutate((ctx) => one.migrations.revert(ctx, "migrations:each"));
    await turn(one);
    expect(await one.status("each")).toMatchObject({ isReverting: true, ranges: 4 });
    await one.finish();
    expect(await one.status("each")).toMatchObject({ state: "reverted", processed: 100 });
    expect(await visits(one)).toEqual(Array(100).fill(0));
  });
});

test("a custom range is divided by the numbers of its index, in its order; one over text stays one", async () => {
  const one = app();
  await insert(one, 50);
  await one.call("byScore");
  expect(await one.status("byScore")).toMatchObject({ ranges: 3 });
  await one.finish();
  expect(await visits(one)).toEqual(Array(50).fill(1));
  await one.call("byName");
  expect((await one.status("byName")).ranges).toBeUndefined();
  await one.finish();
  expect(await visits(one)).toEqual(Array(50).fill(2));
});

test("the rate is shared by the ranges, and tuning reaches all of them", async () => {
  const one = app({ maxDocumentsPerSecond: 20 });
  await insert(one, 100);
  await one.call("each");
  for (let tenth = 0; tenth < 20; tenth++) {
    vi.advanceTimersByTime(100);
    await one.t.finishInProgressScheduledFunctions();
  }
  const { processed } = await one.status("each");
  expect(processed).toBeGreaterThan(20);
  expect(processed).toBeLessThanOrEqual(65);
  await one.mutate((ctx) => one.migrations.tune(ctx, "migrations:each", { maxDocumentsPerSecond: 100_000 }));
  for (let i = 0; i < 8; i++) await turn(one);
  expect(await one.status("each")).toMatchObject({ state: "success", processed: 100 });
});

test("few documents, and a call for one batch only, are not divided", async () => {
  const one = app();
  await insert(one, 5);
  await one.call("each");
  expect((await one.status("each")).ranges).toBeUndefined();
  await one.finish();
  expect(await visits(one)).toEqual(Array(5).fill(1));
  const other = app();
  await insert(other, 30);
  const status = await other.act((ctx) =>
    trueup.runToCompletion(ctx, other.migrations.component, functionNamed("each")),
  );
  expect(status).toMatchObject({ state: "success", processed: 30 });
  expect(await visits(other)).toEqual(Array(30).fill(1));
});

test("`ranges` is a whole number from 1 to 64", () => {
  for (const ranges of [0, 1.5, 65]) {
    const define = (): unknown =>
      new trueup.Migrations<DataModel>(component).define({ table: "users", ranges, migrateOne: () => ({}) });
    expect(define).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ code: "MIGRATION_ARGUMENTS" }) }),
    );
  }
});
