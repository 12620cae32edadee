/** What drives a check, step by step: what each call answers, in which phase, and what is left of a run when it is over. */
import { ConvexError } from "convex/values";
import { TableAggregate } from "trueup/aggregate";
import { afterEach, expect, test, vi } from "vitest";
import {
  check,
  checkedHostOnEngine,
  component,
  source,
  type AppCtx,
  type CheckedHost,
} from "../../../../suites/aggregate/checked-host.js";
import { fillScores, reportOf } from "../../../../suites/aggregate/checked-scores.js";
import { damage } from "../../../../suites/aggregate/damages.js";
import { seededRandom } from "../../../../suites/setup/random.js";
import { insertOperation } from "../client/operations.js";
import type { StoredDocument } from "../client/managed/types.js";
import { advanceRun, readReport, startVerify } from "../client/verification/index.js";
import * as verification from "./verification.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const open = (): Promise<CheckedHost> => checkedHostOnEngine("memory");
const start = (host: CheckedHost, options = {}): Promise<string> =>
  host.run((ctx) => startVerify(ctx, { component }, options));
const advance = (host: CheckedHost, runId: string): Promise<{ due: boolean; waitMs?: number }> =>
  host.run((ctx) => advanceRun(ctx, source, { runId }));
const reported = (host: CheckedHost, runId?: string) =>
  host.run((ctx) => readReport(ctx, { component }, runId));

const noColumns = { spaces: [], keys: [], ids: [], namespaces: [], measures: [], values: [] };

/** The phases that a check goes through, one after the other. */
async function phasesOf(host: CheckedHost, options: { repair?: boolean } = {}): Promise<unknown[]> {
  const runId = await start(host, options);
  const phases: unknown[] = [];
  for (let due = true; due;) {
    const phase = (await reported(host, runId))?.phase;
    if (phases.at(-1) !== phase) phases.push(phase);
    ({ due } = await advance(host, runId));
  }
  return phases;
}

/** Puts an item at another place, as a forgotten write would have left it. */
async function misplace(host: CheckedHost, change: object): Promise<string> {
  return await host.run(async (ctx: AppCtx) => {
    const document = (await ctx.db.query("scores").first()) as StoredDocument;
    const { key, id, namespace } = source.itemOf(document);
    await ctx.runMutation(component.writes.apply, {
      operations: [
        { type: "deleteIfExists", key, id, namespace },
        { type: "put", key, id, namespace, sumValue: 3, ...change },
      ],
    });
    return document._id;
  });
}

test("a healthy aggregate is through after its structure, its documents and its trees", async () => {
  expect(Object.keys(verification).length).toBeGreaterThan(5);
  const host = await open();
  await fillScores(host, [9, 3]);
  for (const repair of [false, true]) {
    expect(await phasesOf(host, { repair })).toEqual(["structure", "digest", "compare"]);
  }
});

test("what differs is looked at closely; trees are made anew only when they are damaged and to be mended", async () => {
  const host = await open();
  await fillScores(host, [40, 9], { maxNodeSize: 4, rootLazy: false });
  await misplace(host, { key: 5000 });
  const close = ["structure", "digest", "compare", "items", "documents"];
  expect(await phasesOf(host)).toEqual(close);
  expect(await phasesOf(host, { repair: true })).toEqual(close);
  expect(await phasesOf(host)).toEqual(close.slice(0, 3));
  await host.inside((ctx) => damage(ctx, "sum altered", seededRandom(3)));
  const looked = await phasesOf(host);
  expect(looked).not.toContain("plant");
  const mended = await phasesOf(host, { repair: true });
  expect(mended.slice(-3)).toEqual(["plant", "refill", "install"]);
  expect((await reported(host))?.differences.every(({ fixed }) => fixed)).toBe(true);
  expect(await phasesOf(host)).toEqual(close.slice(0, 3));
});

test.each([
  ["wrongKey", { key: 5000 }],
  ["wrongNamespace", { namespace: "game 1" }],
  ["wrongSum", {}],
  ["wrongSum", { sumValue: 0, sumValues: { bonus: 0, other: 7 } }],
] as const)("an item is told with what it should be and what it is: %s", async (kind, wrong) => {
  const host = await open();
  await fillScores(host, [9, 3]);
  const id = await misplace(host, wrong);
  const { differences, counts, fixed } = await reportOf(host, await check(host, {}));
  const right = { namespace: "game 0", key: 0, sumValue: 0, sumValues: { bonus: 0 } };
  expect(differences).toStrictEqual([
    {
      id,
      kind,
      expected: right,
      actual: { namespace: "game 0", key: 0, sumValue: 3, ...wrong },
      fixed: false,
    },
  ]);
  expect([counts[kind], fixed]).toEqual([1, 0]);
  const repaired = await reportOf(host, await check(host, { repair: true }));
  expect(repaired).toMatchObject({ fixed: 1, differences: [{ id, kind, fixed: true }] });
  expect((await reportOf(host, await check(host, {}))).differences).toEqual([]);
});

test("an item beside the right one is a duplicate, of nobody an orphan, and none at all is missing", async () => {
  const host = await open();
  await fillScores(host, [9, 3]);
  const ids = await host.run(async (ctx) => {
    const [first, second] = (await ctx.db.query("scores").take(2)) as [StoredDocument, StoredDocument];
    const { key, id, namespace } = source.itemOf(second);
    const beside = source.itemOf(first);
    await ctx.runMutation(component.writes.apply, {
      operations: [
        { type: "put", key: 5000, id: beside.id, namespace: "game 0" },
        { type: "put", key: 6000, id: beside.id, namespace: "game 1" },
        { type: "put", key: 1, id: "nobody", namespace: "game 1" },
        { type: "deleteIfExists", key, id, namespace },
      ],
    });
    return [first._id, second._id];
  });
  const report = await reportOf(host, await check(host, { repair: true }));
  expect(report.counts).toMatchObject({
    duplicate: 2,
    orphaned: 1,
    missing: 1,
    wrongKey: 0,
    wrongNamespace: 0,
  });
  expect(report.differences.map(({ kind, id }) => `${kind} ${id}`).toSorted()).toEqual(
    [`duplicate ${ids[0]}`, `duplicate ${ids[0]}`, `missing ${ids[1]}`, "orphaned nobody"].toSorted(),
  );
  expect(report.differences.find(({ kind }) => kind === "orphaned")).toMatchObject({ expected: null });
  expect(report.differences.find(({ kind }) => kind === "missing")).toMatchObject({ actual: null });
  expect((await reportOf(host, await check(host, {}))).differences).toEqual([]);
});

test("of two items in wrong places the first is the document's, and the other a duplicate", async () => {
  const host = await open();
  await fillScores(host, [9, 3]);
  const id = await misplace(host, { key: 5000 });
  await host.run((ctx) =>
    ctx.runMutation(component.writes.apply, {
      operations: [{ type: "put", key: 6000, id, namespace: "game 0" }],
    }),
  );
  for (const repair of [false, true]) {
    const report = await reportOf(host, await check(host, { repair }));
    expect(report.counts).toMatchObject({ wrongKey: 1, duplicate: 1, missing: 0 });
  }
  expect((await reportOf(host, await check(host, {}))).differences).toEqual([]);
});

test("a report is of the run that is asked for, by default the latest, and comes in pages", async () => {
  const host = await open();
  await fillScores(host, [3]);
  expect(await reported(host)).toBeNull();
  const healthy = await check(host, {});
  await host.run(async (ctx) => {
    for (let n = 0; n < 3; n++) await ctx.db.insert("scores", { game: "game 0", score: n });
  });
  const runId = await start(host, { startedBy: "me" });
  expect(await reported(host)).toMatchObject({ runId, isDone: false, phase: "structure", startedBy: "me" });
  while ((await advance(host, runId)).due);
  expect(await reported(host)).toMatchObject({ runId, isDone: true, phase: null, counts: { missing: 3 } });
  expect(await reported(host, healthy)).toMatchObject({
    runId: healthy,
    startedBy: null,
    counts: { missing: 0 },
  });
  const foreign = await host.run((ctx) => ctx.db.query("scores").first());
  expect(await reported(host, String(foreign?.["_id"]))).toBeNull();
  const page = (cursor?: string) =>
    host.run((ctx) =>
      ctx.runQuery(component.verification.report, {
        runId,
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      }),
    );
  const first = await page();
  const second = await page(first?.continueCursor ?? "");
  expect([first?.differences.length, second?.differences.length, second?.continueCursor]).toEqual([
    2,
    1,
    null,
  ]);
  expect(
    new Set([...(first?.differences ?? []), ...(second?.differences ?? [])].map(({ id }) => id)).size,
  ).toBe(3);
  await expect(page("x")).rejects.toThrow("INVALID_CURSOR");
});

test("a call for another phase than the run's changes nothing, and one for a run that is over says so", async () => {
  const host = await open();
  await fillScores(host, [3]);
  const runId = await start(host);
  const { documents, fail, items, proceed } = component.verification;
  const call = {
    documents: () =>
      host.run((ctx) => ctx.runMutation(documents, { runId, columns: noColumns, isDone: true })),
    items: () => host.run((ctx) => ctx.runMutation(items, { runId, columns: noColumns })),
    proceed: () => host.run((ctx) => ctx.runMutation(proceed, { runId })),
    fail: () => host.run((ctx) => ctx.runMutation(fail, { runId, failure: { message: "no more" } })),
  };
  expect([await call.documents(), await call.items()]).toEqual([{ kind: "again" }, { kind: "again" }]);
  expect(await reported(host, runId)).toMatchObject({ phase: "structure" });
  let task = await call.proceed();
  while (task.kind === "again") task = await call.proceed();
  expect(task).toEqual({ kind: "documents", limit: 256 });
  await call.fail();
  expect(await reported(host, runId)).toMatchObject({
    isDone: true,
    error: "no more",
    errorDocumentId: null,
  });
  expect([await call.documents(), await call.items(), await call.proceed(), await call.fail()]).toEqual([
    { kind: "over" },
    { kind: "again" },
    { kind: "over" },
    null,
  ]);
  expect(await host.run((ctx) => ctx.runQuery(component.verification.due, {}))).toBeNull();
});

test.each(["compare", "items", "documents"])("%s waits for what has to be applied first", async (phase) => {
  const host = await open();
  await fillScores(host, [5]);
  await misplace(host, { key: 5000 });
  // The worker is scheduled, but never runs.
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const runId = await start(host);
  while ((await reported(host, runId))?.phase !== phase) await advance(host, runId);
  await host.run(async (ctx) => {
    const id = await ctx.db.insert("scores", { game: "game 0", score: 7 });
    const operations = [insertOperation(source.itemOf((await ctx.db.get(id)) as StoredDocument))];
    await ctx.runMutation(component.queue.enqueue, { operations });
  });
  expect(await advance(host, runId)).toEqual({ due: true, waitMs: 250 });
  expect((await reported(host, runId))?.phase).toBe(phase);
});

test.each([
  ["an error of its own", new Error("a defect")],
  ["a coded one that trying again may mend", new ConvexError({ code: "OTHER", message: "later" })],
])("what a document throws ends the run only where trying again cannot help: %s", async (_what, thrown) => {
  const host = await open();
  await fillScores(host, [3]);
  const runId = await start(host);
  await advance(host, runId);
  const failing = (error: Error) => ({
    ...source,
    itemOf: () => {
      throw error;
    },
  });
  await expect(host.run((ctx) => advanceRun(ctx, failing(thrown), { runId }))).rejects.toThrow(
    /a defect|later/,
  );
  expect(await reported(host, runId)).toMatchObject({ isDone: false });
  const damaged = new ConvexError({ code: "TREE_DAMAGED", message: "no such node" });
  expect(await host.run((ctx) => advanceRun(ctx, failing(damaged), { runId }))).toEqual({ due: false });
  expect(await reported(host, runId)).toMatchObject({
    isDone: true,
    error: "no such node",
    errorDocumentId: null,
  });
});

test("a check of a definition that has nothing yet is refused, and one of trees that are managed, too", async () => {
  const host = await open();
  const begin = (definition: string | undefined) =>
    host.run((ctx) => startVerify(ctx, definition === undefined ? { component } : { component, definition }));
  await expect(begin("d")).rejects.toThrow("AGGREGATE_BUILDING");
  expect(await host.run((ctx) => readReport(ctx, { component, definition: "d" }))).toBeNull();
  expect(await host.run((ctx) => ctx.runQuery(component.verification.due, { definition: "d" }))).toBeNull();
});

test("where no run is under way, nothing is due", async () => {
  const host = await open();
  const checks = new TableAggregate(component, { sortKey: (doc) => doc["score"] as number }).verification(
    "scores",
  );
  expect(await host.run((ctx) => checks.advance(ctx))).toEqual({ due: false });
  expect(await host.run((ctx) => checks.report(ctx))).toBeNull();
  await host.run((ctx) => checks.start(ctx));
  expect(await host.run((ctx) => checks.advance(ctx))).toEqual({ due: true });
});
