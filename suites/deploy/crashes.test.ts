/**
 * Kills a deploy that changes the schema at each of its commits in turn, before and after the commit counts. The next start
 * finds the old code with the old documents or the new code with the new ones, and completes what was begun.
 */
import { setTimeout } from "node:timers/promises";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { memory, openBackend, type Backend } from "trueup";
import { FaultyDisk, type CrashPoint } from "../storage/faulty-storage.js";
import {
  functionSource as fn,
  pushedModule as module,
  pushRequest as request,
  type HandMadePush,
} from "./hand-made-push.js";
import { call } from "../setup/open-app.js";
import { fieldsOf, isPro, migrations, programOf, settled, withPlan, type Version } from "./teams-app.js";

const points: readonly CrashPoint[] = ["before commit", "after commit"];
const count = 60;

/** Closes a backend whose process counts as killed. */
async function abandon(app: Backend): Promise<void> {
  await app.close().catch(() => {});
}

async function openAt(disk: FaultyDisk, version: Version | null): Promise<Backend> {
  const app = await openBackend({
    storage: disk.open,
    log: "silent",
    ...(version === null ? { modules: {}, schema: null } : {}),
  });
  if (version !== null) await app.activate(await programOf(version));
  return app;
}

/**
 * Runs a change on fresh data, killed at its first commit, then at its second, and so on until it is through; `check` looks at
 * what a new process finds. Returns how often it was killed.
 */
async function killEverywhere(
  point: CrashPoint,
  prepare: (disk: FaultyDisk) => Promise<Backend>,
  change: (app: Backend) => Promise<void>,
  check: (disk: FaultyDisk) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const disk = new FaultyDisk(memory());
    const app = await prepare(disk);
    disk.crashAtCommit(at, point);
    let isThrough = false;
    await change(app).then(
      () => (isThrough = true),
      () => {},
    );
    await abandon(app);
    disk.crashAtCommit(Infinity, point);
    await check(disk);
    await disk.close();
    if (isThrough) return at - 1;
  }
}

test.each(points)("a transform, killed %s", async (point) => {
  const prepare = async (disk: FaultyDisk): Promise<Backend> => {
    const app = await openAt(disk, isPro);
    for (let n = 0; n < count; n++) {
      await call(app, "documents:insert", {
        table: "teams",
        value: { name: `team ${n}`, isPro: n % 3 === 0 },
      });
    }
    return app;
  };
  const change = async (app: Backend): Promise<void> => {
    await app.activate(await programOf(withPlan));
    await call(app, "documents:insert", { table: "teams", value: { name: "late", plan: "basic" } });
    await settled(app);
  };
  const plans = Array.from({ length: count }, (_, n) => ({
    name: `team ${n}`,
    plan: n % 3 === 0 ? "pro" : "basic",
  }));
  const check = async (disk: FaultyDisk): Promise<void> => {
    const app = await openAt(disk, withPlan);
    for (let times = 0; times < 2; times++) {
      const teams = fieldsOf(await call(app, "documents:all", { table: "teams" }));
      expect(teams.slice(0, count)).toEqual(plans);
      const by = { table: "teams", index: "by_plan", field: "plan", value: "pro" };
      expect(await call(app, "documents:by", by)).toHaveLength(count / 3);
      await settled(app);
    }
    expect((await app.schemaChanges()).transforms).toEqual([]);
    await app.close();
  };
  expect(await killEverywhere(point, prepare, change, check)).toBeGreaterThan(4);
});

const inside = defineSchema({ users: defineTable({ theme: v.optional(v.string()) }) });
const apart = defineSchema({
  users: defineTable({}),
  preferences: defineTable({ userId: v.id("users"), theme: v.string() }),
});
const splitting: Version = {
  schema: apart,
  migrations: {
    waived: migrations.waive("drop-field:users.theme"),
    split: migrations.define({
      table: "users",
      runOnDeploy: true,
      batchSize: 7,
      migrateOne: async (ctx, { _id, theme }: { _id: never; theme?: string }) => {
        if (theme === undefined) return;
        await ctx.db.insert("preferences", { userId: _id, theme });
        await ctx.db.patch(_id, { theme: undefined });
      },
    }),
  },
};

test.each(points)("a migration that a deploy starts, killed %s", async (point) => {
  /** Rejects when the process was killed. */
  const narrow = async (app: Backend): Promise<void> => {
    const isNarrow = async (): Promise<boolean> =>
      (await app.database.query(async (tx) => tx.schemaState(""))).value.state === "narrow";
    while (!(await isNarrow())) await setTimeout(2);
  };
  const prepare = async (disk: FaultyDisk): Promise<Backend> => {
    const app = await openAt(disk, { schema: inside });
    for (let n = 0; n < 20; n++) {
      await call(app, "documents:insert", { table: "users", value: { theme: `${n}` } });
    }
    return app;
  };
  const change = async (app: Backend): Promise<void> => {
    await app.activate(await programOf(splitting));
    await narrow(app);
  };
  const check = async (disk: FaultyDisk): Promise<void> => {
    const app = await openAt(disk, splitting);
    await narrow(app);
    const themes = fieldsOf(await call(app, "documents:all", { table: "preferences" }));
    expect(themes.map((row) => Number((row as { theme: string }).theme)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    );
    expect(fieldsOf(await call(app, "documents:all", { table: "users" }))).toEqual(Array(20).fill({}));
    await app.close();
  };
  expect(await killEverywhere(point, prepare, change, check)).toBeGreaterThan(4);
});

const items = (version: number): HandMadePush["modules"] => [
  module(
    "items.js",
    `export const version = ${fn("Query", `return ${version};`)};
     export const add = ${fn("Mutation", 'for (let n = 0; n < args.count; n++) await ctx.db.insert("items", { n });')};
     export const all = ${fn("Query", 'return (await ctx.db.query("items").collect()).map(({ _id, _creationTime, ...fields }) => fields);')};`,
  ),
  module(
    "m.js",
    `export const waived = { [Symbol.for("trueup.waiver")]: { waivers: ["drop-field:items.n"] } };
     export const toText = { [Symbol.for("trueup.transform")]: { kind: "transform", table: "items", requires: [],
       up: ({ n, ...rest }) => ({ ...rest, t: String(n) }), down: ({ t, ...rest }) => ({ ...rest, n: Number(t) }) } };`,
  ),
];
const schemaOf = (field: string, type: string): object => ({
  schemaValidation: true,
  tables: [
    {
      tableName: "items",
      indexes: [{ indexDescriptor: "by", fields: [field] }],
      documentType: { type: "object", value: { [field]: { fieldType: { type }, optional: false } } },
    },
  ],
});
const first: HandMadePush = { modules: (items(1) ?? []).slice(0, 1), schema: schemaOf("n", "number") };
const second: HandMadePush = { modules: items(2) ?? [], schema: schemaOf("t", "string") };

async function push(app: Backend, of: HandMadePush): Promise<void> {
  const startPush = await app.deploy.startPush(request(of));
  await app.deploy.waitForSchema({ schemaChange: startPush.schemaChange, timeoutMs: 10_000 });
  await app.deploy.finishPush({ startPush, dryRun: false, message: null });
}

test.each(points)("a push with a transform and its rollback, killed %s", async (point) => {
  const open = (disk: FaultyDisk): Promise<Backend> => openBackend({ storage: disk.open, log: "silent" });
  const prepare = async (disk: FaultyDisk): Promise<Backend> => {
    const app = await open(disk);
    await push(app, first);
    await call(app, "items:add", { count });
    return app;
  };
  const change = async (app: Backend): Promise<void> => {
    await push(app, second);
    await push(app, first);
    await app.database.background.whenIdle();
  };
  const numbers = Array.from({ length: count }, (_, n) => n);
  const check = async (disk: FaultyDisk): Promise<void> => {
    const app = await open(disk);
    const texts = (await call(app, "items:version")) === 2;
    const expected = texts ? numbers.map((n) => ({ t: String(n) })) : numbers.map((n) => ({ n }));
    expect(await call(app, "items:all")).toEqual(expected);
    await app.database.background.whenIdle();
    await push(app, texts ? first : second);
    await push(app, first);
    expect(await call(app, "items:all")).toEqual(numbers.map((n) => ({ n })));
    await app.close();
  };
  expect(await killEverywhere(point, prepare, change, check)).toBeGreaterThan(4);
});
