/** What happens when documents, batches and workers fail. */
import { internalMutationGeneric } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { functionNamed, openApp, trueup, type App, type Ctx, type User } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

/** An app whose migration `each` runs `before` and then counts its visits of the user. */
function counting(
  before: (user: User, ctx: Ctx) => Promise<void> | void,
  options: Parameters<typeof openApp>[2] & { parallelize?: boolean; batchSize?: number } = {},
): App {
  const { parallelize, batchSize, ...appOptions } = options;
  return openApp(
    trueup,
    (migrations) => ({
      each: migrations.define({
        table: "users",
        parallelize,
        batchSize,
        migrateOne: async (ctx, user) => {
          await before(user, ctx);
          await ctx.db.patch(user._id, { times: (user.times ?? 0) + 1 });
        },
      }),
      run: migrations.runner(),
    }),
    appOptions,
  );
}

const visits = async (app: App): Promise<number[]> => (await app.users()).map(({ times }) => times ?? 0);

test("the error of a document that fails names the document", async () => {
  const app = counting((user) => {
    if (user.name === "user 3") throw new Error("cannot");
  });
  await app.insert(5);
  await app.call("each");
  const culprit = (await app.users())[3]?._id;
  expect(await app.status("each")).toMatchObject({
    state: "failed",
    error: `Document ${culprit} failed: cannot`,
    errorDocumentId: culprit,
  });
});

test("with `parallelize`, a failure undoes what the other documents of the batch did", async () => {
  const app = counting(
    async (user, ctx) => {
      if (user.name !== "user 2") return;
      for (let i = 0; i < 3; i++) await ctx.db.query("users").first();
      throw new Error("cannot");
    },
    { parallelize: true },
  );
  await app.insert(6);
  await app.call("each");
  expect((await app.status("each")).error).toContain("cannot");
  expect(await visits(app)).toEqual(Array(6).fill(0));
});

test("a batch that fails outside of any document shrinks until the one document is alone, and names it", async () => {
  const poison = { name: "user 77" };
  const app = counting(() => undefined, {
    internalMutation: ((definition: { args: object; handler: (ctx: Ctx, args: object) => unknown }) =>
      internalMutationGeneric({
        args: definition.args as never,
        handler: async (ctx: Ctx, args) => {
          const result = await definition.handler(ctx, args);
          const bad = await ctx.db
            .query("users")
            .withIndex("by_name", (q) => q.eq("name", poison.name))
            .first();
          if (bad?.times === 1) throw new Error("the app's own check failed");
          return result;
        },
      })) as never,
  });
  await app.insert(90);
  await app.call("each");
  await app.finish();
  const culprit = (await app.users())[77]?._id;
  expect(await app.status("each")).toMatchObject({
    state: "failed",
    processed: 77,
    error: `Document ${culprit} failed: the app's own check failed`,
    errorDocumentId: culprit,
  });
  poison.name = "nobody";
  await app.call("each");
  await app.finish();
  expect(await visits(app)).toEqual(Array(90).fill(1));
});

test("documents too large for a batch of 100 are migrated in smaller batches", async () => {
  const app = counting(() => undefined, { limits: true });
  for (let i = 0; i < 60; i += 5) {
    await app.insert(5, () => ({ payload: "x".repeat(900_000) }));
  }
  await app.call("each");
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 60 });
  expect((await app.users(10)).map(({ times }) => times)).toEqual(Array(60).fill(1));
  const [run] = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:each"));
  expect(run?.batches).toBeLessThan(30);
});

test("a prescribed batch size that does not fit is shrunk as well", async () => {
  const app = counting(
    async (_user, ctx) => {
      await ctx.db.query("notes").collect();
    },
    { limits: { documentsRead: 2_000 }, batchSize: 50 },
  );
  await app.mutate(async (ctx) => {
    for (let i = 0; i < 60; i++) await ctx.db.insert("notes", { text: "n" });
  });
  await app.insert(40);
  await app.call("each");
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 40 });
  expect(await visits(app)).toEqual(Array(40).fill(1));
});

test("a document that needs most of a transaction gets one of its own", async () => {
  const app = counting(
    async (user, ctx) => {
      if (user.name !== "user 5") return;
      for (let i = 0; i < 6; i++) await ctx.db.query("notes").collect();
    },
    { limits: { documentsRead: 1_000 } },
  );
  await app.mutate(async (ctx) => {
    for (let i = 0; i < 150; i++) await ctx.db.insert("notes", { text: "n" });
  });
  await app.insert(10);
  await app.call("each");
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 10 });
});

test("a document that no transaction can hold is named", async () => {
  const app = counting(
    async (user, ctx) => {
      if (user.name !== "user 5") return;
      for (let i = 0; i < 8; i++) await ctx.db.query("notes").collect();
    },
    { limits: { documentsRead: 1_000 } },
  );
  await app.mutate(async (ctx) => {
    for (let i = 0; i < 150; i++) await ctx.db.insert("notes", { text: "n" });
  });
  await app.insert(10);
  await app.call("each");
  await app.finish();
  const status = await app.status("each");
  expect(status).toMatchObject({ state: "failed", processed: 5 });
  expect(status.error).toContain("Scanned too many documents");
  expect(status.errorDocumentId).toBe((await app.users())[5]?._id);
});

test("the same happens when an action runs it to completion", async () => {
  const app = counting(
    async (_user, ctx) => {
      await ctx.db.query("notes").collect();
    },
    { limits: { documentsRead: 1_000 } },
  );
  await app.mutate(async (ctx) => {
    for (let i = 0; i < 60; i++) await ctx.db.insert("notes", { text: "n" });
  });
  await app.insert(30);
  const status = await app.act((ctx) =>
    trueup.runToCompletion(ctx, app.migrations.component, functionNamed("each")),
  );
  expect(status).toMatchObject({ state: "success", processed: 30 });
  expect(await visits(app)).toEqual(Array(30).fill(1));
});

/** A migration function that kills its worker, because what it returns cannot be stored. */
function deadly(survives: (batchSize: number) => boolean): App {
  const batch = internalMutationGeneric({
    args: v.any(),
    handler: async (_ctx, args: { cursor: string | null; job: { batchSize?: number; kind: string } }) => {
      const from = args.cursor === null ? 0 : Number(JSON.parse(args.cursor)[0]);
      const batchSize = Math.min(args.job.batchSize ?? 64, 100 - from);
      const continueCursor = JSON.stringify([from + batchSize]);
      if (args.job.kind === "peek") {
        return { continueCursor, isDone: false, processed: 0, documentId: `doc ${from}` };
      }
      if (from >= 32 && !survives(batchSize)) {
        return { continueCursor, isDone: "killed", processed: batchSize };
      }
      const isDone = from + batchSize === 100;
      return { continueCursor, isDone, processed: batchSize, batchSize, adaptive: true, usedShare: 0.1 };
    },
  });
  return openApp(trueup, (migrations) => ({
    batch,
    each: migrations.runner(),
  }));
}

test("a worker that dies with its batch is replaced by one with a smaller batch", async () => {
  const app = deadly((batchSize) => batchSize <= 4);
  await app.call("each", { fn: "migrations:batch" });
  await app.finish();
  expect(await app.status("batch")).toMatchObject({ state: "success", processed: 100 });
  expect(console.warn).toHaveBeenCalledWith(expect.stringContaining("died"));
});

test("when every replacement dies, the migration fails and names the document it begins with", async () => {
  const app = deadly(() => false);
  await app.call("each", { fn: "migrations:batch" });
  await app.finish();
  const status = await app.status("batch");
  expect(status).toMatchObject({ state: "failed", errorDocumentId: "doc 64" });
  const [run] = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:batch"));
  expect(run).toMatchObject({ outcome: "failed", errorDocumentId: "doc 64", batches: 1 });
});

test("a worker that vanished without a supervisor leaves a migration that can be resumed", async () => {
  const app = counting(() => undefined, { batchSize: 2 });
  await app.insert(5);
  await app.call("each");
  await app.inComponent(async (ctx) => {
    const row = await ctx.db.query("migrations").first();
    for (const id of [row?.workerId, row?.supervisorId]) if (id !== undefined) await ctx.scheduler.cancel(id);
  });
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "canceled", processed: 2 });
  await app.call("each");
  await app.finish();
  expect(await visits(app)).toEqual(Array(5).fill(1));
  const runs = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:each"));
  expect(runs.map(({ outcome, processed }) => [outcome, processed])).toEqual([
    ["done", 3],
    ["died", 2],
  ]);
});

test("`reset` stops a running migration and begins again", async () => {
  const app = counting(() => undefined, { batchSize: 2 });
  await app.insert(5);
  await app.call("each");
  await app.call("each", { reset: true });
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 5 });
  expect(await visits(app)).toEqual([2, 2, 1, 1, 1]);
});
