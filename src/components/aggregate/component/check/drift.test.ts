/** What is kept of the drift that writes come upon, and when it makes a repair due. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkedHostOnEngine, type InsideCtx } from "../../../../../suites/aggregate/checked-host.js";
import type { Id } from "../_generated/dataModel.js";
import { driftOf, forgetDrift, noteDrift, type Drifted } from "./drift.js";
import { beginRun, completeRun, failRun, repairDrift } from "./lifecycle.js";
import { CheckRun } from "./runs.js";

const generation = 100;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function inside<T>(body: (ctx: InsideCtx) => Promise<T>): Promise<T> {
  const host = await checkedHostOnEngine("memory");
  return await host.inside(body);
}

const missing = (...ids: string[]): Drifted[] => ids.map((id) => ({ id, kind: "missing" }));

async function openRun({ db }: InsideCtx, id: string): Promise<CheckRun> {
  const run = await CheckRun.open(db, id as Id<"checkRuns">);
  if (run === null) throw new Error("the run does not go on");
  return run;
}

const begin = ({ db }: InsideCtx, repair: boolean): Promise<string> =>
  beginRun(db, { generation, repair, startedBy: "test" });

test("each document is noted once, with when and how", async () => {
  await inside(async (ctx) => {
    vi.spyOn(Date, "now").mockReturnValue(5000);
    await noteDrift(ctx.db, generation, []);
    expect(await driftOf(ctx.db, generation)).toBeNull();
    await noteDrift(ctx.db, generation, missing("a", "b", "a"));
    await noteDrift(ctx.db, generation, [{ id: "b", kind: "wrongKey" }, ...missing("c")]);
    expect(await driftOf(ctx.db, generation)).toMatchObject({
      count: 3,
      documents: ["a", "b", "c"].map((id) => ({ id, kind: "missing", atMs: 5000 })),
    });
    expect(await driftOf(ctx.db, generation + 1)).toBeNull();
  });
});

test("a hundred documents are named, all are counted", async () => {
  await inside(async (ctx) => {
    await noteDrift(ctx.db, generation, missing(...Array.from({ length: 99 }, (_, n) => `a${n}`)));
    await noteDrift(ctx.db, generation, missing("b", "c", "d"));
    const drift = await driftOf(ctx.db, generation);
    expect([drift?.count, drift?.documents.length, drift?.documents.at(-1)?.id]).toEqual([102, 100, "b"]);
  });
});

test("a run that begins looks into what was noted, and settles it when nothing is left", async () => {
  await inside(async (ctx) => {
    await noteDrift(ctx.db, generation, missing("a"));
    const id = await begin(ctx, true);
    expect(await driftOf(ctx.db, generation)).toMatchObject({ run: id });
    expect(await repairDrift(ctx.db, generation)).toBeNull();
    await completeRun(ctx.db, await openRun(ctx, id));
    expect(await driftOf(ctx.db, generation)).toBeNull();
  });
});

test("what was noted after a run began stands until another one has looked into it", async () => {
  await inside(async (ctx) => {
    await noteDrift(ctx.db, generation, missing("a"));
    const id = await begin(ctx, true);
    await noteDrift(ctx.db, generation, missing("b"));
    expect((await driftOf(ctx.db, generation))?.run).toBeUndefined();
    await completeRun(ctx.db, await openRun(ctx, id));
    expect(await driftOf(ctx.db, generation)).toMatchObject({ count: 2 });
  });
});

test("what a look leaves makes a repair due, what a repair leaves does not", async () => {
  await inside(async (ctx) => {
    const found = { kind: "missing", id: "a", expected: null, actual: null, fixed: false } as const;
    await noteDrift(ctx.db, generation, missing("a"));
    const looks = await openRun(ctx, await begin(ctx, false));
    await looks.record(found);
    await completeRun(ctx.db, looks);
    expect((await driftOf(ctx.db, generation))?.run).toBeUndefined();
    const due = await repairDrift(ctx.db, generation);
    if (due === null || !("runId" in due)) throw new Error("no repair is due");
    const mends = await openRun(ctx, due.runId);
    expect(mends.row).toMatchObject({ repair: true, startedBy: "drift", generation });
    await mends.record(found);
    await completeRun(ctx.db, mends);
    expect(await driftOf(ctx.db, generation)).toMatchObject({ run: mends.id, count: 1 });
    expect(await repairDrift(ctx.db, generation)).toBeNull();
  });
});

test("repairs of drift take a tenth of the time at most, those that somebody asks for count for nothing", async () => {
  await inside(async (ctx) => {
    const now = vi.spyOn(Date, "now").mockReturnValue(1000);
    expect(await repairDrift(ctx.db, generation)).toBeNull();
    await noteDrift(ctx.db, generation, missing("a"));
    const first = await repairDrift(ctx.db, generation);
    if (first === null || !("runId" in first)) throw new Error("no repair is due");
    now.mockReturnValue(1300);
    await completeRun(ctx.db, await openRun(ctx, first.runId));
    await noteDrift(ctx.db, generation, missing("a"));
    expect(await repairDrift(ctx.db, generation)).toEqual({ waitMs: 2700 });
    now.mockReturnValue(3999);
    expect(await repairDrift(ctx.db, generation)).toEqual({ waitMs: 1 });
    now.mockReturnValue(4000);
    const second = await repairDrift(ctx.db, generation);
    expect(second).toMatchObject({ runId: expect.any(String) });
    await failRun(ctx.db, await openRun(ctx, (second as { runId: string }).runId), { message: "no" });
    await completeRun(ctx.db, await openRun(ctx, await begin(ctx, true)));
    await noteDrift(ctx.db, generation, missing("b"));
    expect(await repairDrift(ctx.db, generation)).toMatchObject({ runId: expect.any(String) });
  });
});

test("nothing is noted any more of a generation that is dropped", async () => {
  await inside(async (ctx) => {
    await forgetDrift(ctx.db, generation);
    await noteDrift(ctx.db, generation, missing("a"));
    await noteDrift(ctx.db, generation + 1, missing("b"));
    await forgetDrift(ctx.db, generation);
    expect(await driftOf(ctx.db, generation)).toBeNull();
    expect(await driftOf(ctx.db, generation + 1)).toMatchObject({ count: 1 });
  });
});
