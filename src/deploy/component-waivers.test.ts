import {
  defineSchema,
  defineTable,
  mutationGeneric,
  type GenericSchema,
  type SchemaDefinition,
} from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { programFromModules, type Backend, type ComponentModules } from "trueup";
import { Migrations, waive } from "trueup/migrations";
import { call, openApp, storageNames } from "../../suites/setup/open-app.js";

const bills = defineTable({ n: v.number(), x: v.optional(v.string()) });
const before = defineSchema({ bills, gone: defineTable(v.any()) });
const after = defineSchema({ bills });
const clearX = new Migrations({} as never).define({
  table: "bills",
  up: ({ n }: { n: number }) => ({ n }),
});

const rows = mutationGeneric(async (ctx, { table, insert }: { table: string; insert?: object }) => {
  if (insert !== undefined) await ctx.db.insert(table, insert);
  return (await ctx.db.query(table).collect()).map(({ _id, _creationTime, ...fields }) => fields);
});

type Schema = SchemaDefinition<GenericSchema, boolean>;
type Exports = Readonly<Record<string, unknown>>;

/** A component, and the same one mounted in another: `billing`, and `shop/billing`. */
function components(schema: Schema, exported: Exports = {}) {
  const billing: ComponentModules = { schema, modules: { "./rows.ts": { rows, ...exported } } };
  return { billing, shop: { schema: null, modules: { "./m.ts": {} }, components: { billing } } };
}

async function deploy(app: Backend, schema: Schema, exported: Exports, own: Exports = {}): Promise<void> {
  const modules = { "./convex/app.ts": exported };
  await app.activate(await programFromModules({ modules, components: components(schema, own) }));
}

async function openWithData(storage: (typeof storageNames)[number]): Promise<Backend> {
  const app = await openApp(storage, { modules: { app: {} }, components: components(before) });
  for (const componentPath of ["billing", "shop/billing"]) {
    for (const n of [1, 2]) {
      await call(app, "rows:rows", { table: "bills", insert: { n, x: "x" } }, { componentPath });
      await call(app, "rows:rows", { table: "gone", insert: { n } }, { componentPath });
    }
  }
  return app;
}

test.each(storageNames)(
  "the app's waivers reach tables of components, by their path, and no other table of this name (%s)",
  async (storage) => {
    const app = await openWithData(storage);
    const refused = deploy(app, after, {});
    await expect(refused).rejects.toMatchObject({ code: "DESTRUCTIVE_CHANGE" });
    await expect(refused).rejects.toThrow(
      'export const waivers = waive(\n  "drop-table:billing/gone",\n  "drop-table:shop/billing/gone",\n);',
    );
    await expect(deploy(app, after, { waivers: waive("drop-table:billing/gone") })).rejects.toThrow(
      'waive(\n  "drop-table:shop/billing/gone",\n);',
    );
    await expect(deploy(app, after, { waivers: waive("drop-table:gone") })).rejects.toMatchObject({
      code: "DESTRUCTIVE_CHANGE",
    });
    await deploy(app, after, { waivers: waive("drop-table:billing/gone", "drop-table:shop/billing/gone") });
    await deploy(app, before, {});
    for (const componentPath of ["billing", "shop/billing"]) {
      expect(await call(app, "rows:rows", { table: "gone" }, { componentPath })).toEqual([]);
      expect(await call(app, "rows:rows", { table: "bills" }, { componentPath })).toHaveLength(2);
    }
  },
);

test("a component brings the transform that clears a field, and the app the waiver for it", async () => {
  const app = await openWithData("memory");
  const narrow = defineSchema({ bills: defineTable({ n: v.number() }), gone: defineTable(v.any()) });
  const refused = deploy(app, narrow, { w: waive("drop-field:billing/bills.x") }, { clearX });
  await expect(refused).rejects.toThrow('waive(\n  "drop-field:shop/billing/bills.x",\n);');
  const both = waive("drop-field:billing/bills.x", "drop-field:shop/billing/bills.x");
  await deploy(app, narrow, { both }, { clearX });
  expect(await call(app, "rows:rows", { table: "bills" }, { componentPath: "shop/billing" })).toEqual([
    { n: 1 },
    { n: 2 },
  ]);
});

test("a component's own waivers mean its own tables", async () => {
  const app = await openWithData("memory");
  await expect(deploy(app, after, {}, { w: waive("drop-table:billing/gone") })).rejects.toThrow(
    /of rows:w in component "billing" cannot be used.*component "billing\/billing", which is not mounted/,
  );
  await deploy(app, after, {}, { w: waive("drop-table:gone") });
  await deploy(app, before, {});
  expect(await call(app, "rows:rows", { table: "gone" }, { componentPath: "shop/billing" })).toEqual([]);
});

test.each([
  [
    "drop-table:biling/gone",
    'component "biling", which is not mounted. There are billing, shop, shop/billing.',
  ],
  ["drop-table:", '"drop-table:" names no place. Write "drop-table:table", or "drop-table:component/table".'],
  ["drop-table:billing/", "names no place"],
  ["drop-table:/gone", "names no place"],
  ["drop-table:billing/gone.x", "names no place"],
  ["drop-field:billing/bills x", 'Write "drop-field:table.field"'],
  ["drop-everything:billing/gone", 'There is no waiver "drop-everything"'],
  ["drop-table", "It names no table or field, and would outlive its reason."],
])("the waiver %s is refused, with what is wrong with it", async (text, why) => {
  const app = await openWithData("memory");
  const refused = deploy(app, after, { w: { [Symbol.for("trueup.waiver")]: { waivers: [text] } } });
  await expect(refused).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    details: { invalid: [{ name: "app:w", waiver: text }] },
  });
  await expect(refused).rejects.toThrow(`The waiver "${text}" of app:w cannot be used.`);
  await expect(refused).rejects.toThrow(why);
});

test("all waivers that cannot be used are told at once", async () => {
  const app = await openWithData("memory");
  const w = { [Symbol.for("trueup.waiver")]: { waivers: ["drop-table", "drop-all:bills"] } };
  const refused = deploy(app, after, { w }, { own: waive("drop-table:a/gone") });
  await expect(refused).rejects.toThrow(
    /"drop-table" of app:w[^]*"drop-all:bills" of app:w[^]*of rows:own in/,
  );
});
