/** A process that starts with the data of another one goes on with its schema changes, or refuses them. */
import { defineSchema, defineTable, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { expect, onTestFinished, test } from "vitest";
import { openBackend, type Backend, type OpenStorage } from "trueup";
import { functionSource as fn, pushedModule as module, pushRequest as request } from "./hand-made-push.js";
import { call, newStorage } from "../setup/open-app.js";
import {
  deploy,
  fieldsOf,
  isPro,
  migrations,
  settled,
  waived,
  withPlan as indexed,
  type Version,
} from "./teams-app.js";

/** A process that opens the storage with a version of the app; it ends when it does not start. */
async function start(storage: OpenStorage, version: Version, options: object = {}): Promise<Backend> {
  const app = await openBackend({
    storage,
    log: "silent",
    limits: "none",
    ...options,
  });
  onTestFinished(() => app.close());
  try {
    await deploy(app, version);
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** Without an index, so that nothing has to be built for it. */
const withPlan: Version = {
  schema: defineSchema({ teams: defineTable({ name: v.string(), plan: v.string() }) }),
  migrations: indexed.migrations ?? {},
};

async function teams(app: Backend): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table: "teams" }));
}

async function withLaggingTeams(): Promise<OpenStorage> {
  const storage = newStorage("sqlite");
  const app = await start(storage, isPro);
  for (let n = 0; n < 100; n++) {
    await call(app, "documents:insert", { table: "teams", value: { name: `${n}`, isPro: n === 0 } });
  }
  // Nothing is written through from here on.
  await app.database.background.stop();
  await deploy(app, withPlan);
  expect((await app.schemaChanges()).transforms).toHaveLength(1);
  await app.close();
  return storage;
}

test("a process that starts with the same code goes on where documents lag", async () => {
  const app = await start(await withLaggingTeams(), withPlan);
  expect((await teams(app)).slice(0, 2)).toEqual([
    { name: "0", plan: "pro" },
    { name: "1", plan: "basic" },
  ]);
  await settled(app);
  expect((await app.schemaChanges()).transforms).toEqual([]);
});

test("a process without the transform that documents need does not start, and changes nothing", async () => {
  const storage = await withLaggingTeams();
  const changed = migrations.define({ table: "teams", up: () => ({ name: "x", plan: "x" }) });
  for (const declared of [{}, { ...waived, planFromIsPro: changed }]) {
    const starting = start(storage, { ...withPlan, migrations: declared });
    await expect(starting).rejects.toMatchObject({
      code: "TRANSFORM_MISSING",
      message: expect.stringContaining("migrations:planFromIsPro"),
    });
  }
  const app = await start(storage, withPlan);
  expect((await teams(app))[0]).toEqual({ name: "0", plan: "pro" });
});

test("a process that starts with a table's new name finds the transform that its documents need", async () => {
  const { planFromIsPro } = withPlan.migrations as {
    planFromIsPro: Record<symbol, { up: never; down: never }>;
  };
  const { up, down } = planFromIsPro[Symbol.for("trueup.transform")] ?? {};
  const renamed: Version = {
    schema: defineSchema({ squads: defineTable({ name: v.string(), plan: v.string() }) }),
    migrations: {
      ...waived,
      planFromIsPro: migrations.define({ table: "squads", up: up as never, down: down as never }),
      squads: migrations.renameTable({ from: "teams", to: "squads" }),
    },
  };
  const storage = await withLaggingTeams();
  const first = await openBackend({ storage, log: "silent" });
  await first.database.background.stop();
  await deploy(first, withPlan);
  await deploy(first, renamed);
  await first.close();
  const app = await start(storage, renamed);
  const [squad] = fieldsOf(await call(app, "documents:all", { table: "squads" }));
  expect(squad).toEqual({ name: "0", plan: "pro" });
});

test("documents that a transform has come to fail on are what they were after a rollback", async () => {
  let isBroken = false;
  const up = ({ name }: { name: string }): object => {
    if (isBroken) throw new Error("not pure after all");
    return { name, plan: "basic" };
  };
  const down = ({ name }: { name: string }): { name: string; isPro: boolean } => ({ name, isPro: false });
  const madeUp = migrations.waive("lossy-down:teams.isPro");
  const toPlan = { ...waived, madeUp, toPlan: migrations.define({ table: "teams", up, down }) };
  const storage = newStorage("sqlite");
  const before = { schema: defineSchema({ teams: defineTable({ name: v.string(), isPro: v.boolean() }) }) };
  const first = await start(storage, before);
  await call(first, "documents:insert", { table: "teams", value: { name: "Ann", isPro: true } });
  await first.database.background.stop();
  await deploy(first, { ...withPlan, migrations: toPlan });
  await first.close();
  isBroken = true;
  const second = await openBackend({ storage, log: "silent" });
  onTestFinished(() => second.close());
  await second.database.background.stop();
  await deploy(second, { ...withPlan, migrations: toPlan });
  await expect(call(second, "documents:all", { table: "teams" })).rejects.toMatchObject({
    code: "TRANSFORM_FAILED",
  });
  await deploy(second, before);
  expect(await teams(second)).toEqual([{ name: "Ann", isPro: true }]);
});

const inside = defineSchema({ users: defineTable({ theme: v.optional(v.string()) }) });
const apart = defineSchema({
  users: defineTable({}),
  preferences: defineTable({ theme: v.string() }),
});
const splitting: Version = {
  schema: apart,
  migrations: {
    waived: migrations.waive("drop-field:users.theme"),
    split: migrations.define({
      table: "users",
      runOnDeploy: true,
      migrateOne: async (ctx, { _id, theme }: { _id: never; theme?: string }) => {
        if (theme === undefined) return;
        await ctx.db.insert("preferences", { theme });
        await ctx.db.patch(_id, { theme: undefined });
      },
    }),
  },
};

test("while the schema is pending, a transform from either shape takes documents back to the old one", async () => {
  const app = await start(newStorage("memory"), { schema: inside }, { runScheduled: false });
  for (const theme of ["dark", "light"]) {
    await call(app, "documents:insert", { table: "users", value: { theme } });
  }
  await deploy(app, splitting);
  await call(app, "documents:insert", { table: "users", value: {} });
  const narrower = defineSchema({
    users: defineTable({ theme: v.string() }),
    preferences: defineTable(v.any()),
  });
  await expect(deploy(app, { schema: narrower })).rejects.toMatchObject({ code: "SCHEMA_NOT_SATISFIED" });
  const back = migrations.define({
    table: "users",
    up: ({ theme = "none" }: { theme?: string }) => ({ theme }),
    takesUnmigrated: true,
  });
  await deploy(app, { schema: narrower, migrations: { back } });
  expect(fieldsOf(await call(app, "documents:all", { table: "users" }))).toEqual([
    { theme: "dark" },
    { theme: "light" },
    { theme: "none" },
  ]);
});

test("pushed code that starts again leaves a schema pending, and narrows it when all documents fit", async () => {
  const storage = newStorage("sqlite");
  const open = async (runScheduled: boolean): Promise<Backend> => {
    const app = await openBackend({ storage, log: "silent", runScheduled });
    onTestFinished(() => app.close());
    return app;
  };
  const state = async (app: Backend): Promise<string> =>
    (await app.database.query(async (tx) => tx.schemaState(""))).value.state;
  let app = await open(false);
  const schema = {
    schemaValidation: true,
    tables: [{ tableName: "items", indexes: [], documentType: { type: "any" } }],
  };
  const startPush = await app.deploy.startPush(
    request({ modules: [module("items.js", `export const one = ${fn("Query", "return 1;")};`)], schema }),
  );
  await app.deploy.finishPush({ startPush, dryRun: false, message: null });
  const inForce = await app.database.maintain(
    async ({ catalog }) => catalog.components.get("")?.schema ?? null,
  );
  await app.database.mutate(async (tx) => {
    await tx.applySchema("", inForce, { pending: { migrations: ["m:gone"], tables: ["items"] } });
  });
  await app.close();
  app = await open(false);
  expect(await state(app)).toBe("pending");
  expect((await app.schemaChanges()).pending).toMatchObject([{ migrations: ["m:gone"], violating: null }]);
  await app.close();
  app = await open(true);
  await expect.poll(() => state(app)).toBe("narrow");
});

test("a component's own tables are transformed by what its own modules export", async () => {
  const storage = newStorage("memory");
  const tally = (schema: object, declared: object): Version => ({
    schema: null,
    components: {
      tally: {
        schema: schema as never,
        modules: {
          "./component/m.ts": { ...declared },
          "./component/rows.ts": { all: queryGeneric(async (ctx) => await ctx.db.query("rows").collect()) },
        },
      },
    },
  });
  const app = await start(storage, tally(defineSchema({ rows: defineTable({ n: v.number() }) }), {}));
  await app.database.mutate((tx) => tx.component("tally").insert("rows", { n: 7 }));
  const texts = defineSchema({ rows: defineTable({ n: v.string() }).index("by_n", ["n"]) });
  await expect(deploy(app, tally(texts, {}))).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.stringContaining('component "tally"'),
  });
  const up = ({ n }: { n: number }): object => ({ n: String(n) });
  await deploy(app, tally(texts, { toText: migrations.define({ table: "rows", up }) }));
  const all = await call(app, "rows:all", {}, { componentPath: "tally" });
  expect(fieldsOf(all)).toEqual([{ n: "7" }]);
});
