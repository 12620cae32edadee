/** Dry runs and rehearsals show what a migration would do, and verifications what it has left. */
import { expect, test } from "vitest";
import type { CheckStatus } from "../../src/components/migrations/client/index.js";
import { component, functionNamed, openApp, trueup, type App } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

function checking(): App {
  return openApp(trueup, (migrations) => ({
    split: migrations.define({
      table: "users",
      isMigrated: (user) => user.plan !== undefined,
      migrateOne: async (ctx, user) => {
        if (user.name === "user 4") throw new Error("cannot split");
        const note = await ctx.db.insert("notes", { text: user.name });
        await ctx.db.patch(note, { text: "changed" });
        await ctx.db.patch("users", user._id, { plan: "basic", payload: undefined });
      },
    }),
    count: migrations.define({
      table: "users",
      migrateOne: (_ctx, user) => ({ times: (user.times ?? 0) + 1 }),
    }),
    drop: migrations.define({ table: "users", migrateOne: (ctx, user) => ctx.db.delete(user._id) }),
    still: migrations.define({ table: "users", migrateOne: () => undefined }),
  }));
}

const check = async (app: App, name: string): Promise<CheckStatus | undefined> =>
  (await app.mutate((ctx) => app.migrations.getChecks(ctx, functionNamed(name))))[0];

test("a dry run shows each difference, counts them by kind, and other writes too", async () => {
  const app = checking();
  await app.insert(3, (i) => ({ payload: i === 0 ? "x".repeat(1_000) : "p" }));
  const { rehearsal } = await app.call("split", { dryRun: true });
  const [first, second] = await app.users();
  expect(rehearsal).toEqual({
    changed: 3,
    unchanged: 0,
    changes: { "added plan": 3, "removed payload": 3 },
    otherWrites: { "insert notes": 3, "patch notes": 3 },
    examples: expect.arrayContaining([
      {
        id: first?._id,
        differences: [
          { path: "payload", kind: "removed", before: `"${"x".repeat(199)}…` },
          { path: "plan", kind: "added", after: "basic" },
        ],
      },
      {
        id: second?._id,
        differences: [
          { path: "payload", kind: "removed", before: "p" },
          { path: "plan", kind: "added", after: "basic" },
        ],
      },
    ]),
    notIdempotent: 0,
    notIdempotentExamples: [],
  });
  expect(await app.mutate((ctx) => ctx.db.query("notes").collect())).toEqual([]);
});

test("a dry run reports a migration that would change its own result again", async () => {
  const app = checking();
  await app.insert(2, () => ({ times: 1 }));
  const { rehearsal } = await app.call("count", { dryRun: true });
  const [first] = await app.users();
  expect(rehearsal).toMatchObject({
    changes: { "changed times": 2 },
    notIdempotent: 2,
    notIdempotentExamples: [{ id: first?._id, why: "changes times" }, {}],
  });
  expect(console.warn).toHaveBeenCalledWith(expect.stringContaining("not idempotent"));
});

test("a dry run counts deleted documents, and says when nothing would change", async () => {
  const app = checking();
  await app.insert(2);
  expect((await app.call("drop", { dryRun: true }))["rehearsal"]).toMatchObject({
    changed: 2,
    changes: { deleted: 2 },
  });
  expect((await app.call("still", { dryRun: true }))["rehearsal"]).toMatchObject({
    changed: 0,
    unchanged: 2,
    examples: [],
  });
});

test("a full dry run goes through the whole table and changes nothing", async () => {
  const app = checking();
  await app.insert(250, (i) => (i % 10 === 0 ? { plan: "old" } : {}));
  const output = await app.call("split", { dryRun: true, full: true, batchSize: 20 });
  expect(output).toMatchObject({
    Status: expect.stringContaining("Rehearsal started"),
    toSeeFindings: expect.anything(),
  });
  await app.finish();
  const found = await check(app, "split");
  expect(found).toMatchObject({
    kind: "rehearse",
    state: "done",
    processed: 250,
    total: 250,
    failed: 1,
    failures: [{ error: expect.stringContaining("cannot split") }],
    findings: {
      changed: 224,
      unchanged: 25,
      changes: { "added plan": 224 },
      otherWrites: { "insert notes": 224 },
    },
  });
  expect(found?.endedAt).toBeGreaterThanOrEqual(found?.startedAt ?? Infinity);
  expect((await app.users()).filter(({ plan }) => plan === "basic")).toEqual([]);
  expect((await app.status("split")).state).toBe("unknown");
});

test("a rehearsal can be started from code and replaces the one before", async () => {
  const app = checking();
  await app.insert(3);
  for (const expected of [3, 5]) {
    const started = await app.mutate((ctx) => app.migrations.rehearse(ctx, functionNamed("count")));
    expect(started).toMatchObject({ state: "inProgress", kind: "rehearse", processed: 0 });
    await app.finish();
    expect(await check(app, "count")).toMatchObject({
      processed: expected,
      findings: { notIdempotent: expected },
    });
    await app.insert(2);
  }
  expect(await app.mutate((ctx) => ctx.runQuery(component.lib.getChecks, {}))).toHaveLength(1);
});

test("a verification finds every document that is not as the migration wants it", async () => {
  const app = checking();
  await app.insert(10);
  await app.call("split", { onError: "quarantine" });
  await app.finish();
  await app.insert(2);
  await app.mutate((ctx) => app.migrations.verify(ctx, functionNamed("split")));
  await app.finish();
  const users = await app.users();
  expect(await check(app, "split")).toMatchObject({
    kind: "verify",
    state: "done",
    processed: 12,
    findings: { violated: 3, examples: [users[4]?._id, users[10]?._id, users[11]?._id] },
  });
});

test("what lacks a definition, or a name, cannot be verified", async () => {
  const app = checking();
  await app.insert(1);
  await app.mutate((ctx) => app.migrations.verify(ctx, functionNamed("count")));
  await app.finish();
  expect(await check(app, "count")).toMatchObject({
    state: "failed",
    error: expect.stringContaining("no `isMigrated`"),
  });
  const unknown = app.mutate((ctx) =>
    ctx.runMutation(component.lib.check, { name: "migrations:none", kind: "verify" }),
  );
  await expect(unknown).rejects.toMatchObject({ data: { code: "MIGRATION_NOT_FOUND" } });
});

test("checks can be stopped, and run beside the migration", async () => {
  const app = checking();
  await app.insert(30);
  await app.call("count", { batchSize: 10 });
  await app.mutate((ctx) =>
    ctx.runMutation(component.lib.check, { name: "migrations:count", kind: "rehearse", batchSize: 5 }),
  );
  await app.finish();
  expect(await check(app, "count")).toMatchObject({ state: "done", processed: 30 });
  expect((await app.users()).map(({ times }) => times)).toEqual(Array(30).fill(1));
  await app.mutate((ctx) => app.migrations.rehearse(ctx, functionNamed("count")));
  await app.mutate((ctx) => ctx.runMutation(component.lib.stopChecks, { name: "migrations:count" }));
  await app.finish();
  expect(await check(app, "count")).toBeUndefined();
});
