/** A run's parts inside of the component: how steps are sized, what is kept of runs, and which one goes on. */
import { afterEach, expect, test, vi } from "vitest";
import { checkedHostOnEngine, type InsideCtx } from "../../../../../suites/aggregate/checked-host.js";
import { differenceKinds } from "../../../../seams/index.js";
import type { Id } from "../_generated/dataModel.js";
import { unmanaged } from "../forest/forest.js";
import { createGeneration, liveGeneration, makeReady, startChecking } from "../generation/states.js";
import { beginRun, clearRuns, completeRun, dueRun, failRun, lastVerified, latestRun } from "./lifecycle.js";
import { placeIn, startIn } from "./places.js";
import { CheckRun, firstBatch, noDifferences, ofRun } from "./runs.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs code in a component of its own, with the number of a generation. */
async function inside<T>(body: (ctx: InsideCtx, generation: number) => Promise<T>): Promise<T> {
  const host = await checkedHostOnEngine("memory");
  return await host.inside((ctx) => body(ctx, 100));
}

const looking = (generation: number) => ({ generation, repair: false, startedBy: "test" });
const mending = (generation: number) => ({ ...looking(generation), repair: true });

async function openRun({ db }: InsideCtx, id: string): Promise<CheckRun> {
  const run = await CheckRun.open(db, id as Id<"checkRuns">);
  if (run === null) throw new Error("the run does not go on");
  return run;
}

const difference = (id: string, fixed: boolean) =>
  ({ kind: "missing", id, expected: null, actual: null, fixed }) as const;

test("a run begins with its structure, nothing checked and nothing found", async () => {
  await inside(async (ctx, generation) => {
    const id = await beginRun(ctx.db, looking(generation));
    const run = await openRun(ctx, id);
    expect(run.row).toMatchObject({ ...looking(generation), status: "running", fixed: 0 });
    expect(run.row.counts).toEqual(Object.fromEntries(differenceKinds.map((kind) => [kind, 0])));
    expect(run.step).toMatchObject({ phase: "structure", batchSize: 256, nodes: 0, items: 0, documents: 0 });
    expect(await run.buckets()).toMatchObject({ separators: [] });
    expect(await dueRun(ctx.db, generation)).toBe(id);
    expect(await lastVerified(ctx.db, generation)).toEqual({ lastVerified: null, drift: null });
  });
});

test("a run under way goes on instead of another one, unless that one is to mend and it only looks", async () => {
  await inside(async (ctx, generation) => {
    const looks = await beginRun(ctx.db, looking(generation));
    expect(await beginRun(ctx.db, looking(generation))).toBe(looks);
    const mends = await beginRun(ctx.db, mending(generation));
    expect(mends).not.toBe(looks);
    expect(await ctx.db.get("checkRuns", looks as Id<"checkRuns">)).toMatchObject({
      status: "failed",
      failure: { message: "Another check took its place." },
    });
    expect(await CheckRun.open(ctx.db, looks as Id<"checkRuns">)).toBeNull();
    expect(await beginRun(ctx.db, mending(generation))).toBe(mends);
    expect(await beginRun(ctx.db, looking(generation))).toBe(mends);
    expect(await dueRun(ctx.db, generation)).toBe(mends);
    expect(await dueRun(ctx.db, generation + 1000)).toBeNull();
  });
});

test("what a run found is kept with it: counts, what was mended, what was checked, and how long it took", async () => {
  const now = vi.spyOn(Date, "now").mockReturnValue(5000);
  await inside(async (ctx, generation) => {
    const id = await beginRun(ctx.db, mending(generation));
    const run = await openRun(ctx, id);
    await run.record(difference("a", true));
    await run.record(difference("b", false));
    await run.record({ ...difference("b", true), kind: "wrongKey" });
    Object.assign(run.step, { nodes: 3, items: 4, documents: 5 });
    await run.save();
    run.countFixed(1);
    await run.save();
    expect((await openRun(ctx, id)).row.fixed).toBe(3);
    run.countFixed(-1);
    await run.save();
    const again = await openRun(ctx, id);
    expect(again.row).toMatchObject({ counts: { missing: 2, wrongKey: 1, structure: 0 }, fixed: 2 });
    expect((await again.recorded("b")).map(({ kind, fixed }) => [kind, fixed])).toEqual([
      ["missing", false],
      ["wrongKey", true],
    ]);
    expect(await again.recorded("c")).toEqual([]);
    now.mockReturnValue(5750);
    await completeRun(ctx.db, again);
    const row = await latestRun(ctx.db, generation);
    expect(row).toMatchObject({
      status: "done",
      durationMs: 750,
      fixed: 2,
      checked: { nodes: 3, items: 4, documents: 5 },
    });
    expect(await lastVerified(ctx.db, generation)).toEqual({
      lastVerified: { atMs: 5750, differences: 3, durationMs: 750 },
      drift: 1,
    });
    // What only a run that goes on needs is gone.
    for (const table of ["checkSteps", "checkBuckets", "checkSums"] as const) {
      expect(await ofRun(ctx.db, table, id as Id<"checkRuns">)).toBeNull();
    }
    expect(await dueRun(ctx.db, generation)).toBeNull();
  });
});

test("a failed run is no verification, and says why it failed", async () => {
  await inside(async (ctx, generation) => {
    const first = await openRun(ctx, await beginRun(ctx.db, looking(generation)));
    await completeRun(ctx.db, first);
    const second = await openRun(ctx, await beginRun(ctx.db, looking(generation)));
    await second.record(difference("a", false));
    await failRun(ctx.db, second, { message: "no key", documentId: "a" });
    expect(await latestRun(ctx.db, generation)).toMatchObject({
      status: "failed",
      failure: { message: "no key", documentId: "a" },
      counts: { missing: 1 },
    });
    expect(await lastVerified(ctx.db, generation)).toMatchObject({
      lastVerified: { differences: 0 },
      drift: 0,
    });
  });
});

test("a build answers reads once its check has left nothing wrong, and fails when a repair leaves something", async () => {
  const ending = (repair: boolean, isFound: boolean, failure?: { message: string }): Promise<unknown> =>
    inside(async (ctx) => {
      const number = await createGeneration(ctx.db, "d");
      const generation = await liveGeneration(ctx.db, number);
      if (generation === null) throw new Error("no generation");
      await startChecking(ctx.db, generation);
      const id = await beginRun(ctx.db, { generation: number, repair, startedBy: "test" });
      const run = await openRun(ctx, id);
      if (isFound) await run.record(difference("a", false));
      await (failure === undefined ? completeRun(ctx.db, run) : failRun(ctx.db, run, failure));
      const { status, failure: why } = (await liveGeneration(ctx.db, number)) ?? {};
      return [status, why?.message];
    });
  expect(await ending(true, false)).toEqual(["ready", undefined]);
  expect(await ending(false, false)).toEqual(["ready", undefined]);
  expect(await ending(true, true)).toEqual(["failed", "The check found 1 differences and left them."]);
  expect(await ending(false, true)).toEqual(["checking", undefined]);
  expect(await ending(true, false, { message: "no key" })).toEqual(["failed", "no key"]);
});

test("a build that answers reads already goes on answering, whatever a check finds or fails of", async () => {
  await inside(async (ctx) => {
    const number = await createGeneration(ctx.db, "d");
    const generation = await liveGeneration(ctx.db, number);
    if (generation === null) throw new Error("no generation");
    await makeReady(ctx.db, generation);
    for (const isFailing of [false, true]) {
      const run = await openRun(ctx, await beginRun(ctx.db, mending(number)));
      await run.record(difference("a", false));
      await (isFailing ? failRun(ctx.db, run, { message: "no key" }) : completeRun(ctx.db, run));
      expect((await liveGeneration(ctx.db, number))?.status).toBe("ready");
    }
  });
});

test("ten runs are kept before the one that begins", async () => {
  await inside(async (ctx, generation) => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      const id = await beginRun(ctx.db, looking(generation));
      ids.push(id);
      const run = await openRun(ctx, id);
      await run.record(difference("a", false));
      await completeRun(ctx.db, run);
    }
    const kept = await Promise.all(ids.map((id) => ctx.db.get("checkRuns", id as Id<"checkRuns">)));
    expect(kept.map((row) => row !== null)).toEqual([false, ...ids.slice(1).map(() => true)]);
    const of = (id: string | undefined) =>
      ctx.db
        .query("differences")
        .withIndex("by_run", (q) => q.eq("run", id as Id<"checkRuns">))
        .collect();
    expect(await of(ids[0])).toEqual([]);
    expect(await of(ids[1])).toHaveLength(1);
  });
});

test("the runs of a generation are cleared in parts of five hundred, with all that belongs to them", async () => {
  await inside(async (ctx, generation) => {
    const id = await beginRun(ctx.db, looking(generation));
    const run = await openRun(ctx, id);
    for (let n = 0; n < 501; n++) await run.record(difference(`d${n}`, false));
    await run.recordDamage({ namespace: "n" }, "node", "sharedNode", "two");
    await run.save();
    const left = async (table: "differences" | "checkDamage"): Promise<number> =>
      (
        await ctx.db
          .query(table)
          .withIndex("by_run", (q) => q.eq("run", id as never))
          .collect()
      ).length;
    expect([await left("differences"), await left("checkDamage")]).toEqual([502, 1]);
    expect(await clearRuns(ctx.db, generation)).toBe(false);
    expect([await left("differences"), await left("checkDamage")]).toEqual([2, 1]);
    expect(await latestRun(ctx.db, generation)).not.toBeNull();
    expect(await clearRuns(ctx.db, generation)).toBe(false);
    expect([await left("differences"), await left("checkDamage")]).toEqual([0, 0]);
    expect(await latestRun(ctx.db, generation)).toBeNull();
    expect(await ofRun(ctx.db, "checkSteps", id as Id<"checkRuns">)).toBeNull();
    expect(await clearRuns(ctx.db, generation)).toBe(true);
  });
});

test("a damaged tree is noted once, with each thing that is wrong with it, and known in the next step", async () => {
  await inside(async (ctx, generation) => {
    const id = await beginRun(ctx.db, looking(generation));
    const run = await openRun(ctx, id);
    const [plain, named] = [{ namespace: undefined }, { namespace: "n" }];
    expect(await run.isDamaged("anything")).toBe(false);
    await run.recordDamage(plain, "node 1", "lost", "is lost");
    await run.recordDamage(named, "node 2", "sum", "is wrong");
    await run.recordDamage(named, "node 3", "min", "is wrong too");
    await run.save();
    const damage = await ctx.db
      .query("checkDamage")
      .withIndex("by_run", (q) => q.eq("run", run.id))
      .collect();
    expect(damage.map(({ namespace, state }) => [namespace, state])).toEqual([
      [undefined, "found"],
      ["n", "found"],
    ]);
    const next = await openRun(ctx, id);
    for (const { space } of damage) expect(await next.isDamaged(space)).toBe(true);
    expect(await next.isDamaged("another")).toBe(false);
    expect(next.row.counts.structure).toBe(3);
    expect((await next.recorded("node 3"))[0]).toMatchObject({
      kind: "structure",
      expected: null,
      actual: { namespace: "n", problem: "min", message: "is wrong too" },
      fixed: false,
    });
    expect((await next.recorded("node 1"))[0]?.actual).toEqual({ problem: "lost", message: "is lost" });
  });
});

test("a step is sized by how long the one before took, within limits", async () => {
  await inside(async (ctx, generation) => {
    const run = await openRun(ctx, await beginRun(ctx.db, looking(generation)));
    const after = (phase: CheckRun["step"]["phase"], batchSize: number, elapsedMs: number): number => {
      Object.assign(run.step, { phase, batchSize });
      run.paceNext(elapsedMs);
      return run.step.batchSize;
    };
    expect(after("items", 256, 30)).toBe(256);
    expect(after("items", 256, 60)).toBe(128);
    expect(after("items", 256, 20)).toBe(384);
    expect(after("items", 256, 15)).toBe(512);
    expect(after("items", 256, 1)).toBe(512);
    expect(after("items", 256, 0)).toBe(512);
    expect(after("items", 256, 120)).toBe(64);
    expect(after("items", 256, 9999)).toBe(64);
    expect(after("items", 20, 9999)).toBe(16);
    expect(after("items", 800, 1)).toBe(1024);
    expect(after("documents", 1024, 0)).toBe(1024);
    expect(after("digest", 1024, 0)).toBe(2048);
    expect(after("digest", 4000, 0)).toBe(4096);
    Object.assign(run.step, { cursor: { creationTime: 1, id: "a" }, place: { from: "x" } });
    run.begin("compare");
    expect(run.step).toMatchObject({ phase: "compare", batchSize: firstBatch });
    expect([run.step.cursor, run.step.place]).toEqual([undefined, undefined]);
  });
});

test("a run that is not there, or over, cannot be opened", async () => {
  await inside(async (ctx, generation) => {
    const id = (await beginRun(ctx.db, looking(generation))) as Id<"checkRuns">;
    const step = await ofRun(ctx.db, "checkSteps", id);
    await ctx.db.delete("checkSteps", step?._id as Id<"checkSteps">);
    expect(await CheckRun.open(ctx.db, id)).toBeNull();
    await ctx.db.delete("checkRuns", id);
    expect(await CheckRun.open(ctx.db, id)).toBeNull();
    const other = await openRun(ctx, await beginRun(ctx.db, looking(generation)));
    await expect(other.sums()).rejects.toThrow("lacks a part of its progress");
  });
});

test("a place names a namespace and where in its tree, and counts for no other one", () => {
  expect(placeIn(undefined, "x")).toStrictEqual({ from: "x" });
  expect(placeIn("n", null)).toEqual({ namespace: "n", from: null });
  expect(startIn(undefined, undefined)).toBe("");
  expect(startIn({ from: "x" }, undefined)).toBe("x");
  expect(startIn({ from: "x" }, "n")).toBe("");
  expect(startIn({ namespace: ["n"], from: "x" }, ["n"])).toBe("x");
  expect(startIn({ namespace: "n", from: null }, "n")).toBe("");
  expect(unmanaged).toBeLessThan(100);
  expect(noDifferences()).not.toBe(noDifferences());
});
