/** Tables take other names: there and back, in chains, in circles, and not where something stands in their way. */
import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Backend } from "trueup";
import { call, storageNames } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, settled } from "./teams-app.js";

const table = defineTable({ name: v.string() }).index("by_name", ["name"]);

/** A schema of tables that are all alike. */
function named(...names: string[]): SchemaDefinition<GenericSchema, boolean> {
  return defineSchema(Object.fromEntries(names.map((name) => [name, table])));
}

function rename(from: string, to: string): object {
  return migrations.renameTable({ from, to });
}

async function insert(app: Backend, tableName: string, ...names: string[]): Promise<void> {
  for (const name of names) await call(app, "documents:insert", { table: tableName, value: { name } });
}

/** What is in tables, by the table. */
async function contents(app: Backend, ...tables: string[]): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const name of tables) {
    const all = fieldsOf(await call(app, "documents:all", { table: name })) as { name: string }[];
    found[name] = all.map((document) => document.name);
  }
  return found;
}

const toPeople = { r1: rename("users", "people") };
const toUsers = { ...toPeople, r2: rename("people", "users") };
const toPeopleAgain = { ...toUsers, r3: rename("users", "people") };

describe.each(storageNames)("renames of a table on %s", (storage) => {
  test("go there, back and there again by three exports, in three deploys", async () => {
    const app = await emptyApp(storage);
    await deploy(app, { schema: named("users") });
    await insert(app, "users", "Ann");
    for (let times = 0; times < 2; times++) {
      await deploy(app, { schema: named("people"), migrations: toPeople });
    }
    expect(await contents(app, "people")).toEqual({ people: ["Ann"] });
    for (let times = 0; times < 2; times++) {
      await deploy(app, { schema: named("users"), migrations: toUsers });
    }
    expect(await contents(app, "users")).toEqual({ users: ["Ann"] });
    for (let times = 0; times < 2; times++) {
      await deploy(app, { schema: named("people"), migrations: toPeopleAgain });
      expect(await contents(app, "people")).toEqual({ people: ["Ann"] });
    }
    // Then one by one back again.
    await deploy(app, { schema: named("users"), migrations: toUsers });
    await deploy(app, { schema: named("people"), migrations: toPeople });
    await deploy(app, { schema: named("users") });
    expect(await contents(app, "users")).toEqual({ users: ["Ann"] });
  });

  test("go there, back and there again by three exports, in one deploy", async () => {
    const app = await emptyApp(storage);
    await deploy(app, { schema: named("users") });
    await insert(app, "users", "Ann");
    for (let times = 0; times < 2; times++) {
      await deploy(app, { schema: named("people"), migrations: toPeopleAgain });
      expect(await contents(app, "people")).toEqual({ people: ["Ann"] });
    }
  });
});

test("two renames are taken back at once, whether they came in two deploys or in one", async () => {
  const chain = { first: rename("people", "humans"), second: rename("users", "people") };
  for (const inOne of [true, false]) {
    const app = await emptyApp("memory");
    await deploy(app, { schema: named("users") });
    await insert(app, "users", "Ann");
    if (!inOne) await deploy(app, { schema: named("people"), migrations: { second: chain.second } });
    await deploy(app, { schema: named("humans"), migrations: chain });
    await insert(app, "humans", "Bea");
    await deploy(app, { schema: named("users") });
    expect(await contents(app, "users")).toEqual({ users: ["Ann", "Bea"] });
    // One that was taken back is made again.
    await deploy(app, { schema: named("humans"), migrations: chain });
    expect(await contents(app, "humans")).toEqual({ humans: ["Ann", "Bea"] });
    // The table goes back to the name in between.
    await deploy(app, { schema: named("people"), migrations: { second: chain.second } });
    expect(await contents(app, "people")).toEqual({ people: ["Ann", "Bea"] });
  }
});

test("tables take each other's names, and one makes place for the next", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("a", "b") });
  await insert(app, "a", "of a");
  await insert(app, "b", "of b");
  const swap = { s1: rename("a", "b"), s2: rename("b", "a") };
  for (let times = 0; times < 2; times++) {
    await deploy(app, { schema: named("a", "b"), migrations: swap });
    expect(await contents(app, "a", "b")).toEqual({ a: ["of b"], b: ["of a"] });
  }
  const shift = { ...swap, t1: rename("a", "b"), t2: rename("b", "c") };
  await deploy(app, { schema: named("b", "c"), migrations: shift });
  expect(await contents(app, "b", "c")).toEqual({ b: ["of b"], c: ["of a"] });
  const by = { table: "c", index: "by_name", field: "name", value: "of a" };
  expect(await call(app, "documents:by", by)).toHaveLength(1);
});

test("an empty table makes way, also where the schema in force has it", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("users", "people") });
  await insert(app, "users", "Ann");
  await deploy(app, { schema: named("people"), migrations: toPeople });
  expect(await contents(app, "people")).toEqual({ people: ["Ann"] });
});

test("of several renames the ones that cannot be made are named with the reason, and nothing else is said", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("users", "old", "taken", "teams") });
  await insert(app, "users", "Ann");
  await insert(app, "old", "o");
  await insert(app, "taken", "t");
  await insert(app, "teams", "Reds");
  const renames = {
    good: rename("users", "people"),
    bad: rename("old", "taken"),
    nowhere: rename("teams", "clubs"),
  };
  const refused = deploy(app, { schema: named("people", "taken", "groups"), migrations: renames });
  await expect(refused).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    message:
      'migrations:bad renames the table "old" to "taken", but "taken" has documents already: 1 document.\n' +
      'migrations:nowhere renames the table "teams" to "clubs", which the schema does not have.',
    details: {
      renames: [
        { name: "migrations:bad", from: "old", to: "taken" },
        { name: "migrations:nowhere", from: "teams", to: "clubs" },
      ],
    },
  });
  expect(await contents(app, "users", "teams")).toEqual({ users: ["Ann"], teams: ["Reds"] });
  const still = deploy(app, {
    schema: named("users", "people", "old", "taken", "teams"),
    migrations: toPeople,
  });
  await expect(still).rejects.toThrow(
    'migrations:r1 renames the table "users", but the schema still has it.',
  );
});

test("a rename whose old name was created again is not taken back over it: both are named, and the advice works", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("users") });
  await insert(app, "users", "Ann", "Bea");
  await deploy(app, { schema: named("people"), migrations: toPeople });
  await deploy(app, { schema: named("people", "users"), migrations: toPeople });
  await insert(app, "users", "new 1", "new 2", "new 3");
  const refused = deploy(app, { schema: named("users") });
  await expect(refused).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    message: expect.stringContaining(
      'The table "people" would take its old name "users" again, as migrations:r1 is not exported any more, but there is another table "users" with 3 documents.',
    ),
  });
  await expect(refused).rejects.toThrow('migrations.renameTable({ from: "users", to: "..." })');
  const aside = { aside: rename("users", "newUsers") };
  await deploy(app, { schema: named("users", "newUsers"), migrations: aside });
  expect(await contents(app, "users", "newUsers")).toEqual({
    users: ["Ann", "Bea"],
    newUsers: ["new 1", "new 2", "new 3"],
  });
});

test("the other advice works too: documents that are deleted stand in no way, and the rename can stay", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("users") });
  await insert(app, "users", "Ann");
  await deploy(app, { schema: named("people", "users"), migrations: {} });
  await deploy(app, { schema: named("users"), migrations: {} });
  await deploy(app, { schema: named("people"), migrations: toPeople });
  await deploy(app, { schema: named("people", "users"), migrations: toPeople });
  await insert(app, "users", "new");
  await expect(deploy(app, { schema: named("users") })).rejects.toMatchObject({ code: "TRANSFORM_INVALID" });
  await deploy(app, { schema: named("people", "users"), migrations: toPeople });
  const [{ _id: id } = { _id: "" }] = (await call(app, "documents:all", { table: "users" })) as {
    _id: string;
  }[];
  await app.database.mutate((tx) => tx.component("").delete(id));
  await deploy(app, { schema: named("users") });
  expect(await contents(app, "users")).toEqual({ users: ["Ann"] });
});

test("a rename comes with a transform and a migration of the table in one deploy, and all of it goes back", async () => {
  const app = await emptyApp("memory");
  await deploy(app, { schema: named("users") });
  await insert(app, "users", "Ann", "Bea");
  const schema = defineSchema({ people: defineTable({ fullName: v.string(), size: v.number() }) });
  const declared = {
    table: rename("users", "people"),
    field: migrations.renameField({ table: "people", from: "name", to: "fullName" }),
    size: migrations.define({
      table: "people",
      runOnDeploy: true,
      migrateOne: (_ctx, { fullName }: { fullName: string }) => ({ size: fullName.length }),
    }),
  };
  await deploy(app, { schema, migrations: declared });
  await expect.poll(async () => (await app.schemaChanges()).pending.length).toBe(0);
  expect(fieldsOf(await call(app, "documents:all", { table: "people" }))).toEqual([
    { fullName: "Ann", size: 3 },
    { fullName: "Bea", size: 3 },
  ]);
  await settled(app);
  const sized = defineSchema({ users: defineTable({ name: v.string(), size: v.optional(v.number()) }) });
  const back = {
    back: rename("people", "users"),
    fieldBack: migrations.renameField({ table: "users", from: "fullName", to: "name" }),
  };
  await deploy(app, { schema: sized, migrations: back });
  expect(fieldsOf(await call(app, "documents:all", { table: "users" }))).toEqual([
    { name: "Ann", size: 3 },
    { name: "Bea", size: 3 },
  ]);
});

test("a circle of fields' names is one of renames, and asks for no waiver", async () => {
  const app = await emptyApp("memory");
  const pair = defineSchema({ pairs: defineTable({ a: v.string(), b: v.number() }) });
  await deploy(app, { schema: pair });
  await call(app, "documents:insert", { table: "pairs", value: { a: "text", b: 1 } });
  const field = (from: string, to: string): object => migrations.renameField({ table: "pairs", from, to });
  await deploy(app, {
    schema: defineSchema({ pairs: defineTable({ a: v.number(), b: v.string() }) }),
    migrations: { f1: field("a", "t"), f2: field("b", "a"), f3: field("t", "b") },
  });
  expect(fieldsOf(await call(app, "documents:all", { table: "pairs" }))).toEqual([{ a: 1, b: "text" }]);
  await deploy(app, { schema: pair });
  expect(fieldsOf(await call(app, "documents:all", { table: "pairs" }))).toEqual([{ a: "text", b: 1 }]);
});
