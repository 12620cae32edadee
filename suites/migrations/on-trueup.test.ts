/** Migrations run on Trueup's own engine: with its clock, its scheduler, its limits and its counts. */
import { setTimeout } from "node:timers/promises";
import {
  componentsGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  makeFunctionReference,
  type FunctionReference,
  type GenericMutationCtx,
} from "convex/server";
import { afterEach, expect, test } from "vitest";
import { memory, openBackend, type Backend } from "../../src/backend/index.js";
import {
  Migrations,
  type CheckStatus,
  type MigrationArgs,
  type MigrationStatus,
} from "../../src/components/migrations/client/index.js";
import ours from "../../src/components/migrations/test.js";
import { component, schema, type DataModel, type User } from "./app.js";

type Mutation = FunctionReference<"mutation", "internal", Record<string, unknown>, unknown>;

let backend: Backend;
afterEach(() => backend.close());

const bad = new Set<string>();
const migrations = new Migrations<DataModel, typeof schema>(component, { schema });

const app = {
  each: migrations.define({
    table: "users",
    isMigrated: (user) => user.times !== undefined,
    migrateOne: (_ctx, user) => {
      if (bad.has(user.name)) throw new Error("bad");
      return { times: 1 };
    },
    down: () => ({ times: undefined }),
  }),
  heavy: migrations.define({
    table: "users",
    migrateOne: async (ctx) => {
      await ctx.db.query("notes").collect();
      return { plan: "heavy" };
    },
  }),
  insert: internalMutationGeneric(
    async (ctx: GenericMutationCtx<DataModel>, args: { count: number; bytes?: number }) => {
      for (let i = 0; i < args.count; i++) {
        await ctx.db.insert("users", {
          name: `user ${i}`,
          ...(args.bytes ? { payload: "x".repeat(args.bytes) } : {}),
        });
      }
    },
  ),
  note: internalMutationGeneric(async (ctx: GenericMutationCtx<DataModel>, args: { count: number }) => {
    for (let i = 0; i < args.count; i++) await ctx.db.insert("notes", { text: `${i}` });
  }),
  users: internalQueryGeneric(async (ctx) => ctx.db.query("users").collect()),
  tally: internalQueryGeneric(async (ctx) => {
    let migrated = 0;
    for await (const user of ctx.db.query("users")) if (user["times"] === 1) migrated++;
    return migrated;
  }),
  control: internalMutationGeneric(async (ctx, { method, ...args }: { method: string; name: string }) =>
    ctx.runMutation(componentsGeneric()["migrations"]?.["lib"]?.[method] as unknown as Mutation, args),
  ),
  status: internalQueryGeneric(async (ctx, { name }: { name: string }) => {
    const [status] = await migrations.getStatus(ctx, { migrations: [name] });
    return { status, checks: await migrations.getChecks(ctx, name) };
  }),
};

async function open(): Promise<void> {
  bad.clear();
  backend = await openBackend({
    storage: memory(),
    schema,
    modules: { "./convex/migrations.ts": () => Promise.resolve(app) },
    components: { migrations: { schema: ours.schema, modules: ours.modules } },
    log: "silent",
  });
}

const mutate = (name: string, args: Record<string, unknown> = {}): Promise<unknown> =>
  backend.mutation(makeFunctionReference<"mutation">(`migrations:${name}`), args);
const ask = (name: string, args: Record<string, unknown> = {}): Promise<unknown> =>
  backend.query(makeFunctionReference<"query">(`migrations:${name}`), args);
const start = (name: string, args: MigrationArgs = {}): Promise<unknown> => mutate(name, args);
const control = (method: string, name: string, args: object = {}): Promise<unknown> =>
  mutate("control", { method, name: `migrations:${name}`, ...args });
async function statusOf(name: string): Promise<{ status: MigrationStatus; checks: CheckStatus[] }> {
  return (await ask("status", { name: `migrations:${name}` })) as never;
}
const users = async (): Promise<User[]> => (await ask("users")) as User[];

test("a migration of many documents runs through, with its total, and sizes its batches", async () => {
  await open();
  for (let i = 0; i < 4; i++) await mutate("insert", { count: 2_000 });
  await start("each");
  expect((await statusOf("each")).status).toMatchObject({
    state: "inProgress",
    total: 8_000,
    processed: 100,
  });
  await backend.scheduler.idle();
  expect((await statusOf("each")).status).toMatchObject({ state: "success", total: 8_000, processed: 8_000 });
  expect(await ask("tally")).toBe(8_000);
});

test("starting says what this call did, though the clock runs on meanwhile", async () => {
  await open();
  await mutate("insert", { count: 3 });
  expect(await start("each")).toMatchObject({ Status: "Migration was started and finished in one batch." });
  await setTimeout(2);
  expect(await start("each")).toMatchObject({ Status: "Migration already done." });
});

test("documents that fill a transaction are migrated in batches that fit", async () => {
  await open();
  for (let i = 0; i < 6; i++) await mutate("insert", { count: 10, bytes: 900_000 });
  await start("each");
  await backend.scheduler.idle();
  expect((await statusOf("each")).status).toMatchObject({ state: "success", processed: 60 });
});

test("a migration that reads too much for a hundred documents shrinks its batches", async () => {
  await open();
  await mutate("insert", { count: 40 });
  await mutate("note", { count: 1_500 });
  await start("heavy");
  await backend.scheduler.idle();
  expect((await statusOf("heavy")).status).toMatchObject({ state: "success", processed: 40 });
});

test("a failure undoes its batch and is resumed; quarantine goes on; retry mends", async () => {
  await open();
  await mutate("insert", { count: 150 });
  bad.add("user 120");
  await start("each", { batchSize: 50 });
  await backend.scheduler.idle();
  // A batch may be smaller than prescribed: it ends where it stands when others wait long enough.
  const { status } = await statusOf("each");
  expect(status).toMatchObject({ state: "failed", processed: expect.any(Number) });
  expect(status?.processed).toBeLessThanOrEqual(120);
  expect((await users()).filter(({ times }) => times === 1)).toHaveLength(Number(status?.processed));
  await control("tune", "each", { onError: "quarantine" });
  await control("resume", "each");
  await backend.scheduler.idle();
  expect((await statusOf("each")).status).toMatchObject({ state: "success", processed: 150, failed: 1 });
  bad.clear();
  expect(await control("retry", "each")).toEqual({ migrated: 1, failed: 0, isDone: true });
  expect((await users()).every(({ times }) => times === 1)).toBe(true);
});

test("rehearse, migrate, verify, revert", async () => {
  await open();
  await mutate("insert", { count: 300 });
  await start("each", { dryRun: true, full: true });
  await backend.scheduler.idle();
  expect((await statusOf("each")).checks).toMatchObject([
    {
      state: "done",
      processed: 300,
      findings: { changed: 300, changes: { "added times": 300 }, notIdempotent: 0 },
    },
  ]);
  await start("each");
  await control("pause", "each");
  await control("resume", "each");
  await backend.scheduler.idle();
  await control("check", "each", { kind: "verify" });
  await control("revert", "each");
  await backend.scheduler.idle();
  const { status } = await statusOf("each");
  expect(status).toMatchObject({ state: "reverted", processed: 300 });
  expect((await users()).every(({ times }) => times === undefined)).toBe(true);
});
