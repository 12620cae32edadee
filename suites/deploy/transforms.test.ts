import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Backend } from "trueup";
import { call, storageNames, type StorageName } from "../setup/open-app.js";
import {
  deploy,
  emptyApp,
  fieldsOf,
  isPro,
  migrations,
  planOnly,
  planSchema,
  settled,
  waived,
  withPlan,
  withPlanForGood,
} from "./teams-app.js";

const teams = [
  { name: "Ann", isPro: true },
  { name: "Bea", isPro: false },
  { name: "Cleo", isPro: true },
];

async function appWithTeams(storage: StorageName): Promise<Backend> {
  const app = await emptyApp(storage);
  await deploy(app, isPro);
  for (const value of teams) await call(app, "documents:insert", { table: "teams", value });
  return app;
}

async function allTeams(app: Backend): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table: "teams" }));
}

async function transforms(app: Backend): Promise<string[]> {
  const { value } = await app.database.query((tx) => tx.transforms(), { limits: null });
  return value.map(({ name, state }) => `${name} ${state}`);
}

const plans = [
  { name: "Ann", plan: "pro" },
  { name: "Bea", plan: "basic" },
  { name: "Cleo", plan: "pro" },
];

describe.each(storageNames)("a transform on %s", (storage) => {
  test("is in force from the moment of the deploy: reads and indexes know only the new shape", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlan);
    expect(await allTeams(app)).toEqual(plans);
    const by = { table: "teams", index: "by_plan", field: "plan", value: "pro" };
    expect(fieldsOf(await call(app, "documents:by", by))).toEqual([plans[0], plans[2]]);
    await settled(app);
    expect(await transforms(app)).toEqual([]);
    expect(await allTeams(app)).toEqual(plans);
  });

  test("is applied once, however often its code is deployed, and may be removed afterwards", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlan);
    await call(app, "documents:insert", { table: "teams", value: { name: "Dot", plan: "basic" } });
    for (const version of [withPlan, planOnly]) {
      await deploy(app, version);
      expect(await allTeams(app)).toEqual([...plans, { name: "Dot", plan: "basic" }]);
    }
  });

  test("is known again when it moves to another module", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlan);
    const modules = { "migrations/teams": withPlan.migrations ?? {} };
    await deploy(app, { schema: planSchema, modules });
    await deploy(app, { schema: planSchema, modules });
    expect(await allTeams(app)).toEqual(plans);
  });

  test("is not taken for new when it moves and changes: the deploy is refused", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlan);
    const planFromIsPro = migrations.define({
      table: "teams",
      up: (team: object) => ({ ...team, plan: "pro" }),
    });
    const moved = { schema: planSchema, modules: { "migrations/teams": { planFromIsPro } } };
    await expect(deploy(app, moved)).rejects.toMatchObject({
      code: "TRANSFORM_INVALID",
      message: expect.stringContaining("Export it as migrations:planFromIsPro"),
    });
    expect(await allTeams(app)).toEqual(plans);
  });

  test("is not applied to documents of a table that was empty when it came", async () => {
    const app = await emptyApp(storage);
    await deploy(app, withPlan);
    for (const value of plans) await call(app, "documents:insert", { table: "teams", value });
    await deploy(app, { ...withPlan, modules: { other: {} } });
    expect(await allTeams(app)).toEqual(plans);
  });

  test("is taken back by deploying the code before, which gets its documents as they were", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlan);
    await call(app, "documents:insert", { table: "teams", value: { name: "Dot", plan: "pro" } });
    await deploy(app, isPro);
    const after = [...teams, { name: "Dot", isPro: true }];
    expect(await allTeams(app)).toEqual(after);
    const by = { table: "teams", index: "by_pro", field: "isPro", value: false };
    expect(fieldsOf(await call(app, "documents:by", by))).toEqual([teams[1]]);
    await settled(app);
    expect(await allTeams(app)).toEqual(after);
    await deploy(app, withPlan);
    expect(await allTeams(app)).toEqual([...plans, { name: "Dot", plan: "pro" }]);
  });

  test("is taken back for documents too that came when the table had been empty", async () => {
    const app = await emptyApp(storage);
    await deploy(app, isPro);
    await deploy(app, withPlan);
    await call(app, "documents:insert", { table: "teams", value: { name: "Dot", plan: "pro" } });
    await deploy(app, isPro);
    expect(await allTeams(app)).toEqual([{ name: "Dot", isPro: true }]);
  });

  test("without `down` cannot be taken back, and says what to do", async () => {
    const app = await appWithTeams(storage);
    await deploy(app, withPlanForGood);
    await expect(deploy(app, isPro)).rejects.toMatchObject({
      code: "SCHEMA_NOT_SATISFIED",
      message: expect.stringMatching(
        /back to what it was before\. The transform migrations:planFromIsPro.* has no `down`.* Deploy a transform/,
      ),
    });
    expect(await allTeams(app)).toEqual(plans);
  });

  test("that fails on documents is found before anything changes, with their ids", async () => {
    const app = await appWithTeams(storage);
    const id = await call(app, "documents:insert", { table: "teams", value: { name: "Bad", isPro: true } });
    const up = (team: { name: string }): object => {
      if (team.name === "Bad") throw new Error("no plan for Bad");
      return { name: team.name, plan: team.name === "Bea" ? "gold" : "pro" };
    };
    const failing = {
      schema: planSchema,
      migrations: { ...waived, toPlan: migrations.define({ table: "teams", up }) },
    };
    const refused = deploy(app, failing);
    await expect(refused).rejects.toMatchObject({
      code: "TRANSFORM_REHEARSAL_FAILED",
      message: expect.stringContaining("2 documents of 4 in table"),
      details: { failures: [{ transforms: ["migrations:toPlan"], failed: 2 }] },
    });
    await expect(refused).rejects.toHaveProperty("message", expect.stringContaining(String(id)));
    await expect(refused).rejects.toHaveProperty("message", expect.stringContaining("no plan for Bad"));
    expect(await allTeams(app)).toEqual([...teams, { name: "Bad", isPro: true }]);
    await call(app, "documents:insert", { table: "teams", value: { name: "Eve", isPro: false } });
  });

  test("needs the waiver of a field whose values go, and says so", async () => {
    const app = await appWithTeams(storage);
    const { planFromIsPro } = withPlan.migrations as { planFromIsPro: object };
    const unwaived = { schema: planSchema, migrations: { planFromIsPro } };
    await expect(deploy(app, unwaived)).rejects.toMatchObject({
      code: "DESTRUCTIVE_CHANGE",
      message: expect.stringContaining('"drop-field:teams.isPro",'),
    });
    expect(await allTeams(app)).toEqual(teams);
  });
});

test("transforms that require each other are applied in their order, the others in that of their names", async () => {
  const app = await appWithTeams("memory");
  const add = (letter: string, requires: string[] = []): object =>
    migrations.define({
      table: "teams",
      up: (team: { name: string }) => ({ ...team, name: team.name + letter }),
      requires,
    });
  const declared = { a: add("a", ["migrations:z"]), b: add("b"), z: add("z", ["migrations:b"]) };
  await deploy(app, { ...isPro, migrations: declared });
  expect(await allTeams(app)).toMatchObject([{ name: "Annbza" }, { name: "Beabza" }, { name: "Cleobza" }]);
});

test.each([
  [
    "a transform that nobody exports",
    { a: migrations.define({ table: "teams", up: (doc: object) => doc, requires: ["m:b"] }) },
  ],
  ["a waiver that there is not", { a: migrations.waive("drop-everything:teams" as "drop-table:teams") }],
  ["a waiver of everything", { a: migrations.waive("drop-table" as "drop-table:teams") }],
])("what cannot be applied refuses the deploy: %s", async (_what, declared) => {
  const app = await appWithTeams("memory");
  await expect(deploy(app, { ...isPro, migrations: declared })).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
  });
});

test("a transform of a table that the schema lacks refuses the deploy when there are documents, else waits", async () => {
  const app = await appWithTeams("memory");
  const renamed = migrations.define({ table: "teamz", up: (doc: object) => ({ ...doc, extra: 1 }) });
  await deploy(app, { ...isPro, migrations: { renamed } });
  const teamz = defineSchema({ teamz: defineTable({ n: v.number(), extra: v.optional(v.number()) }) });
  const both = defineSchema({ ...planSchema.tables, ...teamz.tables, ...isPro.schema?.tables });
  await deploy(app, { schema: both });
  await call(app, "documents:insert", { table: "teamz", value: { n: 1 } });
  await expect(deploy(app, { ...isPro, migrations: { renamed } })).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    message: expect.stringContaining('"teamz" that the schema does not have'),
  });
  await deploy(app, { schema: both, migrations: { renamed } });
  expect(fieldsOf(await call(app, "documents:all", { table: "teamz" }))).toEqual([{ n: 1, extra: 1 }]);
});

const people = defineSchema({
  people: defineTable({ fullName: v.string(), teamId: v.optional(v.id("teams")) }),
  teams: defineTable({}),
});
const users = defineSchema({
  users: defineTable({ name: v.string(), teamId: v.optional(v.id("teams")) }).index("by_name", ["name"]),
  teams: defineTable({}),
});

describe.each(storageNames)("renames on %s", (storage) => {
  test("of a table and a field are one step, and are taken back by deploying the code before", async () => {
    const app = await emptyApp(storage);
    await deploy(app, { schema: users });
    const id = await call(app, "documents:insert", { table: "users", value: { name: "Ann" } });
    const renames = {
      table: migrations.renameTable({ from: "users", to: "people" }),
      field: migrations.renameField({ table: "people", from: "name", to: "fullName" }),
    };
    for (let times = 0; times < 2; times++) {
      await deploy(app, { schema: people, migrations: renames });
      expect(await call(app, "documents:all", { table: "people" })).toMatchObject([
        { _id: id, fullName: "Ann" },
      ]);
    }
    await deploy(app, { schema: people });
    expect(await call(app, "documents:get", { id })).toMatchObject({ fullName: "Ann" });
    await expect(deploy(app, { schema: users })).rejects.toMatchObject({ code: "SCHEMA_NOT_SATISFIED" });
    await deploy(app, { schema: people, migrations: renames });
    expect(await call(app, "documents:get", { id })).toMatchObject({ fullName: "Ann" });
    await deploy(app, { schema: users });
    const by = { table: "users", index: "by_name", field: "name", value: "Ann" };
    expect(await call(app, "documents:by", by)).toMatchObject([{ _id: id, name: "Ann" }]);
  });
});
