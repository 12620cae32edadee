import { defineSchema, defineTable, type DataModelFromSchemaDefinition } from "convex/server";
import { v, type Infer } from "convex/values";
import { expect, test } from "vitest";
import type { ComponentApi } from "../component/_generated/component.js";
import { Migrations } from "./migrations.js";
import { migrationBrand, type DeployMigration } from "../../../seams/index.js";
import { transformBrand, waiverBrand } from "../../../seams/index.js";

const schema = defineSchema({
  teams: defineTable({ name: v.string(), plan: v.union(v.literal("basic"), v.literal("pro")) }),
  people: defineTable({ items: v.array(v.object({ code: v.string() })) }),
});
// Defining asks nothing of the component.
const component = {} as ComponentApi;
const migrations = new Migrations<DataModelFromSchemaDefinition<typeof schema>>(component);

const from = v.object({ name: v.string(), isPro: v.boolean() });
const to = v.object({ name: v.string(), plan: v.union(v.literal("basic"), v.literal("pro")) });

test("a transform with the types of both shapes is found under the brand, and is no function of the app", () => {
  const declared = migrations.define({
    table: "teams",
    up: ({ isPro, ...kept }: Infer<typeof from>): Infer<typeof to> => ({
      ...kept,
      plan: isPro ? "pro" : "basic",
    }),
    down: ({ plan, ...kept }: Infer<typeof to>): Infer<typeof from> => ({ ...kept, isPro: plan === "pro" }),
    requires: ["migrations:other"],
  });
  const { kind, table, up, down, requires } = declared[transformBrand];
  expect({ kind, table, requires }).toEqual({
    kind: "transform",
    table: "teams",
    requires: ["migrations:other"],
  });
  expect(up({ name: "A", isPro: true })).toEqual({ name: "A", plan: "pro" });
  expect(down?.({ name: "A", plan: "basic" })).toEqual({ name: "A", isPro: false });
  expect(Symbol.keyFor(transformBrand)).toBe("trueup.transform");
});

test("the types of a transform come from the schema where they are left out", () => {
  migrations.define({
    table: "teams",
    up: ({ isPro, ...team }: { name: string; isPro: boolean }) => ({
      ...team,
      plan: isPro ? ("pro" as const) : ("basic" as const),
    }),
    down: ({ plan, ...team }) => ({ ...team, isPro: plan === "pro" }),
  });
  // @ts-expect-error -- the result lacks `plan`
  migrations.define({ table: "teams", up: ({ name }: { name: string }) => ({ name }) });
});

test.each([
  ["name", "fullName", { name: "A", b: 1 }, { fullName: "A", b: 1 }],
  ["address.zip", "postcode", { address: { zip: 1 } }, { address: { postcode: 1 } }],
  ["items[].sku", "code", { items: [{ sku: 1 }, { other: 2 }] }, { items: [{ code: 1 }, { other: 2 }] }],
  ["address.zip", "postcode", { address: "unknown" }, { address: "unknown" }],
  ["name", "fullName", {}, {}],
])("renaming %s to %s and back again", (path, name, before, after) => {
  const { up, down } = migrations.renameField({ table: "people", from: path, to: name })[transformBrand] as {
    up: (doc: object) => object;
    down?: (doc: object) => object;
  };
  expect(up(before)).toEqual(after);
  expect(down?.(up(before))).toEqual(before);
});

test("a field that is there already is not overwritten by a rename", () => {
  const rename = migrations.renameField({ table: "people", from: "a", to: "b" })[transformBrand];
  expect(() => rename.kind === "transform" && rename.up({ a: 1, b: 2 })).toThrow("There is a field b");
});

test.each([
  ["a.", "b"],
  ["a[]", "b"],
  ["a", "b.c"],
])("what is no path or no name cannot be renamed: %s to %s", (path, name) => {
  expect(() => migrations.renameField({ table: "people", from: path, to: name })).toThrow("cannot rename");
});

test("a table's rename and waivers are declarations too", () => {
  expect(migrations.renameTable({ from: "users", to: "people" })[transformBrand]).toEqual({
    kind: "renameTable",
    from: "users",
    to: "people",
  });
  expect(migrations.waive("drop-field:users.legacy", "drop-table:old")[waiverBrand]).toEqual({
    waivers: ["drop-field:users.legacy", "drop-table:old"],
  });
});

test("a migration of a deploy stays a function, with what a deploy needs of it", () => {
  const define = (runOnDeploy: boolean): object =>
    migrations.define({ table: "teams", migrateOne: () => {}, requires: ["m:first"], runOnDeploy });
  const { isMutation, [migrationBrand]: offered } = define(true) as {
    isMutation?: boolean;
    [migrationBrand]?: DeployMigration;
  };
  expect(isMutation).toBe(true);
  expect(offered).toMatchObject({ table: "teams", requires: ["m:first"] });
  expect(migrationBrand in define(false)).toBe(false);
});
