/** Documents that cannot be migrated are put aside, and the others go on without them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { openApp, trueup, type App, type User } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

interface Options {
  bad: Set<string>;
  batchSize?: number | undefined;
  parallelize?: boolean;
  /** Leave the range to the database's own pagination. */
  paginated?: boolean;
  onError?: "stop" | "quarantine" | null;
}

/** An app whose migration fails on the users of `bad`, after it has written elsewhere. */
function quarantining({ bad, batchSize, parallelize, paginated, onError = "quarantine" }: Options): App {
  return openApp(
    trueup,
    (migrations) => ({
      each: migrations.define({
        table: "users",
        batchSize,
        parallelize,
        onError: onError ?? undefined,
        customRange: paginated === true ? (q) => q.withIndex("by_plan_and_score") : undefined,
        migrateOne: async (ctx, user) => {
          await ctx.db.insert("notes", { text: user.name });
          if (bad.has(user.name)) throw new Error(`${user.name} is bad`);
          await ctx.db.patch(user._id, { times: (user.times ?? 0) + 1 });
        },
      }),
      gated: migrations.define({
        table: "users",
        requires: ["migrations:each"],
        migrateOne: () => ({ plan: "x" }),
      }),
    }),
    { schema: paginated !== true },
  );
}

const names = (...numbers: number[]): Set<string> => new Set(numbers.map((i) => `user ${i}`));
const quarantine = (app: App): Promise<{ documentId: string; error: string; attempts: number }[]> =>
  app.mutate((ctx) => app.migrations.getQuarantine(ctx, "migrations:each"));
const visited = (users: User[]): string[] => users.filter(({ times }) => times === 1).map(({ name }) => name);

test("bad documents are put aside with their errors, and everything else is migrated once", async () => {
  const app = quarantining({ bad: names(0, 7, 8, 24) });
  await app.insert(25);
  await app.call("each");
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", processed: 25, failed: 4 });
  const users = await app.users();
  expect(visited(users)).toHaveLength(21);
  const expected = [0, 7, 8, 24].map((i) => ({
    documentId: users[i]?._id,
    error: `Document ${users[i]?._id} failed: user ${i} is bad`,
    attempts: 1,
  }));
  expect(await quarantine(app)).toMatchObject(expected);
  // What the bad ones wrote elsewhere is undone.
  expect(await app.mutate((ctx) => ctx.db.query("notes").collect())).toHaveLength(21);
  expect(await app.mutate((ctx) => app.migrations.isComplete(ctx, "migrations:each"))).toBe(false);
  expect((await app.call("gated"))["Status"]).toContain("requires migrations:each");
});

test("a retry migrates what was mended and keeps what still fails", async () => {
  const bad = names(...Array(45).keys());
  const app = quarantining({ bad });
  await app.insert(60);
  await app.call("each");
  await app.finish();
  expect((await app.status("each")).failed).toBe(45);
  bad.clear();
  bad.add("user 30");
  const users = await app.users();
  await app.mutate((ctx) => ctx.db.delete(users[3]?._id as User["_id"]));
  const first = await app.mutate((ctx) => app.migrations.retry(ctx, "migrations:each"));
  expect(first).toEqual({ migrated: 20, failed: 0, isDone: false });
  await app.finish();
  expect(await app.status("each")).toMatchObject({ failed: 1, processed: 60, state: "success" });
  expect(await quarantine(app)).toMatchObject([
    { error: expect.stringContaining("user 30 is bad"), attempts: 2 },
  ]);
  expect(visited(await app.users())).toHaveLength(58);
  bad.clear();
  await app.mutate((ctx) => app.migrations.retry(ctx, "migrations:each"));
  expect(await app.mutate((ctx) => app.migrations.isComplete(ctx, "migrations:each"))).toBe(true);
  expect(await app.mutate((ctx) => app.migrations.retry(ctx, "migrations:each"))).toEqual({
    migrated: 0,
    failed: 0,
    isDone: true,
  });
});

test("the caller decides over the definition", async () => {
  const app = quarantining({ bad: names(1), onError: null });
  await app.insert(3);
  await app.call("each");
  expect(await app.status("each")).toMatchObject({ state: "failed", processed: 0 });
  await app.call("each", { onError: "quarantine" });
  await app.finish();
  expect(await app.status("each")).toMatchObject({ state: "success", failed: 1, onError: "quarantine" });

  const strict = quarantining({ bad: names(1) });
  await strict.insert(3);
  await strict.call("each", { onError: "stop" });
  expect(await strict.status("each")).toMatchObject({ state: "failed", failed: 0 });
});

test("beginning again forgets what was put aside", async () => {
  const bad = names(1);
  const app = quarantining({ bad });
  await app.insert(3);
  await app.call("each");
  await app.finish();
  expect(await quarantine(app)).toHaveLength(1);
  bad.clear();
  await app.call("each", { reset: true });
  await app.finish();
  expect(await quarantine(app)).toEqual([]);
  expect(await app.status("each")).toMatchObject({ failed: 0, processed: 3 });
});

test("when a hundred documents in a row fail, the migration is to blame and stops", async () => {
  const app = quarantining({ bad: names(...Array(300).keys()) });
  await app.insert(300);
  await app.call("each");
  await app.finish();
  const status = await app.status("each");
  expect(status).toMatchObject({ state: "failed", failed: 100 });
  expect(status.error).toContain("100 documents in a row failed");
});

test("any documents may be bad, in any batches, however they are read", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(30),
      fc.uniqueArray(fc.nat(29), { maxLength: 10 }),
      fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      fc.boolean(),
      fc.boolean(),
      async (documents, bad, batchSize, parallelize, paginated) => {
        const app = quarantining({ bad: names(...bad), batchSize, parallelize, paginated });
        await app.insert(documents, (i) => ({ plan: i % 2 === 0 ? "a" : "b" }));
        await app.call("each");
        await app.finish();
        const present = bad.filter((i) => i < documents).length;
        expect(await app.status("each")).toMatchObject({
          state: "success",
          processed: documents,
          failed: present,
        });
        expect(visited(await app.users())).toHaveLength(documents - present);
        expect(await quarantine(app)).toHaveLength(present);
        expect(await app.mutate((ctx) => ctx.db.query("notes").collect())).toHaveLength(documents - present);
      },
    ),
    { numRuns: 40 },
  );
});
