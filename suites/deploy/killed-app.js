/**
 * An app whose schema changes in one deploy, by a transform of one table and a migration of another. `load` fills the tables
 * with the code before; `deploy` goes on with the code after, and ends when nothing is left to do, so that a test may kill it
 * on the way; `report` prints what the data file has then.
 */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  makeFunctionReference,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { openBackend, sqlite } from "trueup";
import { Migrations } from "trueup/migrations";
import migrationsTest from "trueup/migrations/test";

const teams = 4000;
const users = 600;

const before = defineSchema({
  teams: defineTable({ n: v.number(), isPro: v.boolean() }),
  users: defineTable({ n: v.number(), theme: v.optional(v.string()) }),
});
const after = defineSchema({
  teams: defineTable({ n: v.number(), plan: v.string() }).index("by_plan", ["plan"]),
  users: defineTable({ n: v.number() }),
  preferences: defineTable({ userId: v.id("users"), n: v.number(), theme: v.string() }),
});

const migrations = new Migrations(componentsGeneric().migrations);
const declared = {
  waived: migrations.waive("drop-field:teams.isPro", "drop-field:users.theme"),
  planFromIsPro: migrations.define({
    table: "teams",
    up: ({ isPro, ...team }) => ({ ...team, plan: isPro ? "pro" : "basic" }),
  }),
  splitThemes: migrations.define({
    table: "users",
    runOnDeploy: true,
    batchSize: 20,
    migrateOne: async ({ db }, { _id, n, theme }) => {
      if (theme === undefined) return;
      await db.insert("preferences", { userId: _id, n, theme });
      await db.patch(_id, { theme: undefined });
    },
  }),
};
const functions = {
  insertMany: mutation(async ({ db }, { table, rows }) => {
    for (const row of rows) await db.insert(table, row);
  }),
  all: query(async ({ db }, { table }) => await db.query(table).collect()),
  pro: query(
    async ({ db }) =>
      (
        await db
          .query("teams")
          .withIndex("by_plan", (q) => q.eq("plan", "pro"))
          .collect()
      ).length,
  ),
};

const [, , file, mode] = process.argv;
const call = (name) => makeFunctionReference(`app:${name}`);
const open = async (schema, exported) =>
  await openBackend({
    storage: sqlite(file),
    limits: "none",
    log: "silent",
    schema,
    modules: { "./convex/app.js": functions, "./convex/migrations.js": exported },
    components: { migrations: migrationsTest },
  });

if (mode === "load") {
  const backend = await open(before, {});
  const rows = (count, row) => Array.from({ length: count }, (_, n) => row(n));
  await backend.mutation(call("insertMany"), {
    table: "teams",
    rows: rows(teams, (n) => ({ n, isPro: n % 4 === 0 })),
  });
  await backend.mutation(call("insertMany"), {
    table: "users",
    rows: rows(users, (n) => ({ n, theme: `theme ${String(n)}` })),
  });
  await backend.close();
} else {
  process.stdout.write(mode === "deploy" ? "open\n" : "");
  const backend = await open(after, declared);
  if (mode === "deploy") {
    await backend.mutation(call("insertMany"), { table: "teams", rows: [{ n: -1, plan: "basic" }] });
    for (;;) {
      const { transforms, pending } = await backend.schemaChanges();
      if (transforms.length === 0 && pending.length === 0) break;
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  } else {
    const all = async (table) => await backend.query(call("all"), { table });
    const report = {
      teams: await all("teams"),
      users: await all("users"),
      preferences: await all("preferences"),
      pro: await backend.query(call("pro")),
    };
    process.stdout.write(JSON.stringify(report));
  }
  await backend.close();
}
