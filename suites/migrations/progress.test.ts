/** What a status and a history tell of a migration, and how a migration sizes its batches. */
import { internalMutationGeneric, type GenericDataModel, type GenericMutationCtx } from "convex/server";
import { expect, test, vi } from "vitest";
import { nativeStore } from "../../src/seams/index.js";
import { component, functionNamed, openApp, published, trueup, type App } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

/** Gives the database a native store that keeps counts, as Trueup's has. */
const onTrueup = ((definition: { args: object; handler: (ctx: object, args: object) => unknown }) =>
  internalMutationGeneric({
    args: definition.args as never,
    handler: (ctx: GenericMutationCtx<GenericDataModel>, args) => {
      const count = async (table: string): Promise<number> => (await ctx.db.query(table).collect()).length;
      const db = { ...ctx.db, [nativeStore]: { cells: () => undefined, count } };
      return definition.handler({ ...ctx, db }, args);
    },
  })) as never;

function marking(options: Parameters<typeof openApp>[2] = {}, batchSize?: number, perDocumentMs = 0): App {
  return openApp(
    trueup,
    (migrations) => ({
      mark: migrations.define({
        table: "users",
        batchSize,
        migrateOne: () => {
          vi.setSystemTime(Date.now() + perDocumentMs);
          return { plan: "marked" };
        },
      }),
      ranged: migrations.define({
        table: "users",
        customRange: (q) => q.withIndex("by_name"),
        migrateOne: () => ({ plan: "ranged" }),
      }),
      run: migrations.runner(),
    }),
    options,
  );
}

test("where the database keeps counts, the status knows the total and the time left", async () => {
  const app = marking({ internalMutation: onTrueup }, 10, 20);
  await app.insert(40);
  await app.call("mark");
  expect(await app.status("mark")).toMatchObject({
    total: 40,
    processed: 10,
    documentsPerSecond: null,
    remainingMs: null,
  });
  vi.advanceTimersByTime(1);
  await app.t.finishInProgressScheduledFunctions();
  const status = await app.status("mark");
  expect(status).toMatchObject({ total: 40, processed: 20 });
  expect(status.documentsPerSecond).toBeGreaterThan(40);
  expect(status.remainingMs).toBeCloseTo((20 / (status.documentsPerSecond ?? 0)) * 1000, -1);
  await app.insert(30);
  await app.finish();
  expect(await app.status("mark")).toMatchObject({ total: 70, processed: 70, remainingMs: null });
});

test("elsewhere, and for a custom range, the total is unknown until it is done", async () => {
  for (const [name, options] of [
    ["mark", {}],
    ["ranged", { internalMutation: onTrueup }],
  ] as const) {
    const app = marking(options);
    await app.insert(150);
    await app.call(name, { batchSize: 100 });
    expect((await app.status(name)).total).toBeNull();
    await app.finish();
    expect((await app.status(name)).total).toBe(150);
  }
});

test("the history has every run, who started it and how it ended", async () => {
  const app = marking({}, 2);
  await app.insert(5);
  const user = app.t.withIdentity({ email: "ann@example.com" });
  await user.mutation(functionNamed("mark"), {});
  const [running] = await app.mutate((ctx) => app.migrations.getHistory(ctx, functionNamed("mark")));
  expect(running).toMatchObject({
    processed: 2,
    batches: 1,
    startedBy: "migrations:mark by ann@example.com",
  });
  expect(running?.outcome).toBeUndefined();
  await app.mutate((ctx) => app.migrations.cancel(ctx, functionNamed("mark")));
  await app.call("run", { fn: "migrations:mark" });
  await app.finish();
  const runs = await app.mutate((ctx) => ctx.runQuery(component.lib.getHistory, { name: "migrations:mark" }));
  expect(
    runs.map(({ outcome, processed, batches, startedBy }) => [outcome, processed, batches, startedBy]),
  ).toEqual([
    ["done", 3, 2, "migrations:run"],
    ["canceled", 2, 1, "migrations:mark by ann@example.com"],
  ]);
  expect(runs[0]?.endedAt).toBeGreaterThanOrEqual(runs[0]?.startedAt ?? Infinity);
  expect(await app.status("mark")).toMatchObject({ startedBy: "migrations:run" });
  await app.mutate((ctx) => ctx.runMutation(component.lib.clearAll, {}));
  expect(await app.mutate((ctx) => ctx.runQuery(component.lib.getHistory, {}))).toEqual([]);
});

test("statuses come in the order of the names asked for", async () => {
  const app = marking();
  const names = ["ranged", "mark"].map(functionNamed);
  const statuses = await app.mutate((ctx) => app.migrations.getStatus(ctx, { migrations: names }));
  expect(statuses.map(({ name }) => name)).toEqual(["migrations:ranged", "migrations:mark"]);
});

test("batches grow while they are quick and small", async () => {
  const app = marking();
  await app.insert(3_000);
  await app.call("mark");
  while (!(await app.status("mark")).isDone) {
    vi.advanceTimersByTime(1);
    await app.t.finishInProgressScheduledFunctions();
  }
  const [run] = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:mark"));
  expect(run).toMatchObject({ processed: 3_000, outcome: "done" });
  expect(run?.batches).toBeLessThan(12);
});

test("batches aim at a twentieth of a second where the clock can be seen to run", async () => {
  const app = marking({}, undefined, 4);
  await app.insert(400);
  await app.call("mark");
  await app.finish();
  const [run] = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:mark"));
  // 100 documents, then half as many, then 25, then 13 each.
  expect(run).toMatchObject({ processed: 400, outcome: "done" });
  expect(run?.batches).toBeGreaterThanOrEqual(18);
  expect(run?.batches).toBeLessThanOrEqual(24);
});

test("a batch of slow documents ends in time to stay within Convex's second", async () => {
  const app = marking({}, undefined, 60);
  await app.insert(30);
  await app.call("mark");
  expect((await app.status("mark")).processed).toBe(9);
});

test("a prescribed batch size stays as it is, however quick or slow", async () => {
  const app = marking({}, 7, 100);
  await app.insert(20);
  await app.call("mark");
  await app.finish();
  const [run] = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:mark"));
  expect(run?.batches).toBe(3);
});

test("`oneBatchOnly` runs one batch through a runner too, and schedules nothing", async () => {
  const app = marking({}, 2);
  await app.insert(5);
  for (const processed of [2, 4, 5, 5]) {
    await app.call("run", { fn: "migrations:mark", oneBatchOnly: true });
    await app.finish();
    expect((await app.status("mark")).processed).toBe(processed);
  }
});

test("a migration whose range was changed is refused by name, and `reset` begins it again", async () => {
  let byName = false;
  const app = openApp(trueup, (migrations) => ({
    get each() {
      return migrations.define({
        table: "users",
        batchSize: 2,
        customRange: byName ? (q) => q.withIndex("by_name") : undefined,
        migrateOne: () => ({ plan: "x" }),
      });
    },
  }));
  await app.insert(5);
  await app.call("each");
  await app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:each"));
  byName = true;
  const output = await app.call("each");
  expect(output["Status"]).toContain('the range "users.by_creation_time asc"');
  expect(output["Status"]).toContain('now defined over "users.by_name asc"');
  expect(await app.status("each")).toMatchObject({ state: "failed", processed: 2 });
  await app.call("each", { reset: true });
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 5 });
});

test("a migration that the published component began is finished by this one", async () => {
  const app = openApp(published, (migrations) => ({
    each: migrations.define({
      table: "users",
      batchSize: 2,
      migrateOne: (_ctx, user) => ({ times: (user.times ?? 0) + 1 }),
    }),
  }));
  await app.insert(7);
  await app.call("each");
  const { cursor } = await app.status("each");

  const next = marking({}, 2);
  await next.insert(7, (i) => ({ name: `user ${i}` }));
  const documents = await next.users();
  expect(cursor).toBe(JSON.stringify([documents[1]?._creationTime, documents[1]?._id]));
  await next.inComponent(async (ctx) => {
    await ctx.db.insert("migrations", {
      name: "migrations:mark",
      cursor: cursor ?? null,
      isDone: false,
      processed: 2,
      latestStart: 1,
    });
  });
  await next.call("mark");
  await next.finish();
  expect(await next.status("mark")).toMatchObject({ state: "success", processed: 7, latestStart: 1 });
  expect((await next.users()).map(({ plan }) => plan ?? "")).toEqual(["", "", ...Array(5).fill("marked")]);
});
