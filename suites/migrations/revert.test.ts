/** Undoing a migration with its `down`. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { openApp, trueup, type App } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

/** `double` is revertible; `failOn` names users whose migration, or reversion, fails. */
function revertible(batchSize?: number): App & { failOn: { up?: string; down?: string } } {
  const failOn: { up?: string; down?: string } = {};
  const app = openApp(trueup, (migrations) => ({
    double: migrations.define({
      table: "users",
      batchSize,
      onError: "quarantine",
      migrateOne: (_ctx, user) => {
        if (user.name === failOn.up) throw new Error("cannot double");
        return { score: (user.score ?? 0) * 2 };
      },
      down: (_ctx, user) => {
        if (user.name === failOn.down) throw new Error("cannot halve");
        return { score: (user.score ?? 0) / 2 };
      },
    }),
    plan: migrations.define({
      table: "users",
      isMigrated: (user) => user.plan === "pro",
      migrateOne: () => ({ plan: "pro" }),
      down: () => ({ plan: undefined }),
    }),
    named: migrations.define({
      table: "users",
      customRange: (q) => q.withIndex("by_name", (range) => range.eq("name", "")),
      migrateOne: () => ({ name: "nobody" }),
      revertRange: (q) => q.withIndex("by_name", (range) => range.eq("name", "nobody")),
      down: () => ({ name: "" }),
    }),
    final: migrations.define({ table: "users", migrateOne: () => ({ plan: "x" }) }),
  }));
  return { ...app, failOn };
}

const revert = (app: App, name: string): Promise<unknown> =>
  app.mutate((ctx) => app.migrations.revert(ctx, `migrations:${name}`));
const scores = async (app: App): Promise<(number | undefined)[]> =>
  (await app.users()).map(({ score }) => score);

test("a revert undoes every document, and the migration can run again", async () => {
  const app = revertible(4);
  await app.insert(10, (i) => ({ score: i }));
  await app.call("double");
  await app.finish();
  expect(await revert(app, "double")).toMatchObject({ state: "inProgress", isReverting: true });
  await app.finish();
  expect(await app.status("double")).toMatchObject({ state: "reverted", isDone: false, processed: 10 });
  expect(await scores(app)).toEqual([...Array(10).keys()]);
  await revert(app, "double");
  await app.finish();
  expect(await scores(app)).toEqual([...Array(10).keys()]);

  await app.call("double");
  await app.finish();
  expect(await app.status("double")).toMatchObject({ state: "success", processed: 10 });
  expect(await scores(app)).toEqual([...Array(10).keys()].map((i) => i * 2));
  const runs = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:double"));
  expect(runs.map(({ kind, outcome, processed }) => [kind, outcome, processed])).toEqual([
    ["migrate", "done", 10],
    ["revert", "done", 10],
    ["migrate", "done", 10],
  ]);
});

test("a migration that was stopped half-way is reverted as far as it came", async () => {
  const app = revertible(4);
  await app.insert(10, (i) => ({ score: i + 1 }));
  await app.call("double");
  await app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:double"));
  await revert(app, "double");
  await app.finish();
  expect(await app.status("double")).toMatchObject({ state: "reverted", processed: 4 });
  expect(await scores(app)).toEqual([...Array(10).keys()].map((i) => i + 1));
});

test("documents in quarantine were not migrated and are not reverted", async () => {
  const app = revertible();
  app.failOn.up = "user 2";
  await app.insert(5, () => ({ score: 8 }));
  await app.call("double");
  await app.finish();
  expect(await scores(app)).toEqual([16, 16, 8, 16, 16]);
  await revert(app, "double");
  await app.finish();
  expect(await scores(app)).toEqual([8, 8, 8, 8, 8]);
  expect(await app.mutate((ctx) => app.migrations.getQuarantine(ctx, "migrations:double"))).toEqual([]);
});

test("a revert that fails stops, blocks the migration, and is resumed", async () => {
  const app = revertible(2);
  await app.insert(6, () => ({ score: 8 }));
  await app.call("double");
  await app.finish();
  app.failOn.down = "user 3";
  await revert(app, "double");
  await app.finish();
  expect(await app.status("double")).toMatchObject({ state: "failed", isReverting: true, processed: 2 });
  await expect(app.call("double")).rejects.toMatchObject({ data: { code: "MIGRATION_BUSY" } });
  delete app.failOn.down;
  await revert(app, "double");
  await app.finish();
  expect(await app.status("double")).toMatchObject({ state: "reverted" });
  expect(await scores(app)).toEqual(Array(6).fill(8));
});

test("a running migration has to be stopped before it is reverted", async () => {
  const app = revertible(2);
  await app.insert(5);
  await app.call("double");
  await expect(revert(app, "double")).rejects.toMatchObject({ data: { code: "MIGRATION_BUSY" } });
});

test("`isMigrated` says which documents to migrate and which to revert", async () => {
  const app = revertible();
  await app.insert(4, (i) => (i === 1 ? { plan: "pro" } : {}));
  await app.call("plan");
  expect(await app.status("plan")).toMatchObject({ processed: 4, skipped: 1 });
  await app.insert(1, () => ({ plan: "other" }));
  await revert(app, "plan");
  await app.finish();
  expect(await app.status("plan")).toMatchObject({ state: "reverted", processed: 5, skipped: 1 });
  expect((await app.users()).map(({ plan }) => plan)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    "other",
  ]);
});

test("a migration with a custom range is reverted over a range of its own", async () => {
  const app = revertible();
  await app.insert(5, (i) => (i % 2 === 0 ? { name: "" } : {}));
  await app.call("named");
  expect((await app.users()).map(({ name }) => name)).toEqual([
    "nobody",
    "user 1",
    "nobody",
    "user 3",
    "nobody",
  ]);
  await revert(app, "named");
  await app.finish();
  expect((await app.users()).map(({ name }) => name)).toEqual(["", "user 1", "", "user 3", ""]);
  expect(() =>
    app.migrations.define({ table: "users", customRange: (q) => q, migrateOne: () => {}, down: () => {} }),
  ).toThrow("needs `revertRange`");
});

test("a migration without `down` cannot be reverted, and one that did nothing need not be", async () => {
  const app = revertible();
  await app.insert(2);
  await expect(revert(app, "final")).rejects.toMatchObject({ data: { code: "MIGRATION_NOT_FOUND" } });
  await app.call("final");
  await expect(revert(app, "final")).rejects.toMatchObject({
    data: { code: "MIGRATION_NOT_DEFINED", message: expect.stringContaining("no `down`") },
  });
  await app.finish();
  expect(await app.status("final")).toMatchObject({ state: "success" });
});

test("stopped anywhere, migrated on, reverted: every document is as it was", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      fc.array(fc.boolean(), { maxLength: 4 }),
      async (documents, batchSize, stops) => {
        const app = revertible(batchSize);
        await app.insert(documents, (i) => ({ score: i + 1 }));
        for (const stop of stops) {
          await app.call("double");
          if (stop) await app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:double"));
          await app.finish();
        }
        if (stops.length === 0) return;
        await revert(app, "double");
        await app.finish();
        expect(await scores(app)).toEqual([...Array(documents).keys()].map((i) => i + 1));
      },
    ),
    { numRuns: 25 },
  );
});
