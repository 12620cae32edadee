/**
 * Changes a schema in one deploy, as users do: the official CLI pushes an app with `trueup/migrations`, is refused with the
 * plan, pushes the app with what the plan asks for, and takes it back.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBackend, sqlite, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { CliApp, type CliResult } from "./setup/cli-app.js";

const config = `
import { defineApp } from "convex/server";
import migrations from "trueup/migrations/convex.config";
const app = defineApp();
app.use(migrations);
export default app;
`;
const teams = `
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
export const add = mutation({ args: { value: v.any() }, handler: (ctx, { value }) => ctx.db.insert("teams", value) });
export const addUser = mutation({ args: { value: v.any() }, handler: (ctx, { value }) => ctx.db.insert("users" as never, value) });
export const all = query({ args: { table: v.string() }, handler: async (ctx, { table }) =>
  (await ctx.db.query(table as never).collect()).map(({ _id, _creationTime, ...fields }: any) => fields) });
`;
const schema = (tables: string): string => `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ ${tables} });
`;
const before = schema(`
  teams: defineTable({ name: v.string(), isPro: v.boolean() }),
  users: defineTable({ name: v.string(), theme: v.optional(v.string()) }),
`);
const after = schema(`
  teams: defineTable({ name: v.string(), plan: v.string() }).index("by_plan", ["plan"]),
  people: defineTable({ fullName: v.string() }),
  themes: defineTable({ personId: v.id("people"), theme: v.string() }),
`);
const migrations = `
import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
const migrations = new Migrations<DataModel>(components.migrations);
export const planFromIsPro = migrations.define({
  table: "teams",
  up: ({ isPro, ...team }: { name: string; isPro: boolean }) => ({ ...team, plan: isPro ? "pro" : "basic" }),
  down: ({ name, plan }) => ({ name, isPro: plan === "pro" }),
});
export const people = migrations.renameTable({ from: "users", to: "people" });
export const fullName = migrations.renameField({ table: "people", from: "name", to: "fullName" });
export const splitThemes = migrations.define({
  table: "people",
  runOnDeploy: true,
  migrateOne: async (ctx, person) => {
    const { theme } = person as { theme?: string };
    if (theme === undefined) return;
    await ctx.db.insert("themes", { personId: person._id, theme });
    await ctx.db.patch(person._id, { theme: undefined } as object);
  },
});
`;
const waivers = `
export const waivers = migrations.waive("drop-field:teams.isPro", "drop-field:people.theme");
`;

const app = new CliApp({
  "convex/schema.ts": before,
  "convex/convex.config.ts": config,
  "convex/teams.ts": teams,
});
const lines: string[] = [];
let backend: Backend;
let server: RunningServer;

beforeAll(async () => {
  backend = await openBackend({
    storage: sqlite(join(app.root, ".trueup", "data.sqlite"), { durability: "relaxed" }),
    codeFolder: join(app.root, ".trueup", "code"),
    log: (line) => lines.push(line),
  });
  const adminKey = "trueup|0123456789abcdef";
  server = await startServer(backend, { port: 0, adminKeys: [adminKey] });
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`,
  });
}, 120_000);
afterAll(async () => {
  await server.close();
  await backend.close();
  await app.remove();
});

const deploy = (): Promise<CliResult> => app.runOfficial(["deploy", "--typecheck", "disable"]);

async function call(path: string, args: object): Promise<unknown> {
  const outcome = await backend.run({ path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

test("a change is refused with its plan, made in one deploy with what the plan asks for, and taken back", async () => {
  expect(await deploy()).toMatchObject({ code: 0 });
  await call("teams:add", { value: { name: "Ann", isPro: true } });
  await call("teams:add", { value: { name: "Bea", isPro: false } });
  for (const name of ["Cleo", "Dot"]) await call("teams:addUser", { value: { name, theme: `${name}'s` } });

  app.write({ "convex/schema.ts": after });
  const unmigrated = await deploy();
  expect(unmigrated.code).not.toBe(0);
  expect(unmigrated.stderr).toContain("2 documents do not match the schema, in 2 ways");
  expect(unmigrated.stderr).toContain("In one deploy, on Trueup");

  app.write({ "convex/migrations.ts": migrations });
  const unwaived = await deploy();
  expect(unwaived.code).not.toBe(0);
  expect(unwaived.stderr).toContain('waive(\n  "drop-field:teams.isPro",\n  "drop-field:people.theme",\n);');

  app.write({ "convex/migrations.ts": migrations + waivers });
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(await call("teams:all", { table: "teams" })).toEqual([
    { name: "Ann", plan: "pro" },
    { name: "Bea", plan: "basic" },
  ]);
  await expect.poll(async () => (await backend.schemaChanges()).pending).toEqual([]);
  expect(await call("teams:all", { table: "people" })).toEqual([{ fullName: "Cleo" }, { fullName: "Dot" }]);
  expect(await call("teams:all", { table: "themes" })).toMatchObject([
    { theme: "Cleo's" },
    { theme: "Dot's" },
  ]);
  expect(lines.join("\n")).toContain("migration migrations:splitThemes is done: 2 documents");

  app.write({
    "convex/schema.ts": before.replace("users:", "themes: defineTable(v.any()), users:"),
    "convex/migrations.ts": "",
  });
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(await call("teams:all", { table: "teams" })).toEqual([
    { name: "Ann", isPro: true },
    { name: "Bea", isPro: false },
  ]);
  expect(await call("teams:all", { table: "users" })).toEqual([{ name: "Cleo" }, { name: "Dot" }]);
}, 120_000);
