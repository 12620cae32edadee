import {
  defineSchema,
  defineTable,
  mutationGeneric as mutation,
  type FunctionReference,
  type GenericDataModel,
} from "convex/server";
import { v } from "convex/values";
import { expect, expectTypeOf, test } from "vitest";
import { defineTestApp, type ComponentRegistration, type TestConvexRoot } from "./index.js";

const schema = defineSchema({ notes: defineTable({ text: v.string() }) });
test("an app's functions stand in the test, and each test has an app of its own", async () => {
  const app = defineTestApp({ schema });
  const { api, internal, createTest } = app.defineModules({
    "dir/notes": {
      add: app.mutation({
        args: { text: v.string() },
        returns: v.id("notes"),
        handler: (ctx, note) => ctx.db.insert("notes", note),
      }),
      texts: app.internalQuery({
        args: {},
        handler: async (ctx) => (await ctx.db.query("notes").collect()).map(({ text }) => text),
      }),
    },
  });
  const t = createTest();
  await t.mutation(api.dir.notes.add, { text: "milk" });
  const texts = await t.query(internal.dir.notes.texts, {});
  expectTypeOf(texts).toEqualTypeOf<string[]>();
  expect(texts).toEqual(["milk"]);
  expect(await createTest().query(internal.dir.notes.texts, {})).toEqual([]);
  const limited = createTest({ transactionLimits: { documentsWritten: 0 } });
  await expect(limited.mutation(api.dir.notes.add, { text: "milk" })).rejects.toMatchObject({
    code: "TRANSACTION_LIMIT",
  });
});

interface PadApi {
  readonly notes: { readonly add: FunctionReference<"mutation", "internal", { text: string }, string> };
}

test("components are mounted under their names, in every app anew", async () => {
  const add = mutation({
    args: { text: v.string() },
    handler: (ctx, note): Promise<string> => ctx.db.insert("notes", note),
  });
  const register = (t: TestConvexRoot<GenericDataModel>, name: string): PadApi | void =>
    t.registerComponent(name, schema, {
      "./_generated/api.js": async () => ({}),
      "./notes.js": async () => ({ add }),
    });
  const app = defineTestApp({ schema, components: { pad: { register } } });
  const addToPad = app.action({
    args: {},
    handler: (ctx): Promise<string> => ctx.runMutation(app.components.pad.notes.add, { text: "milk" }),
  });
  const { api, createTest } = app.defineModules({ pads: { addToPad } });
  const t = createTest();
  expect(await t.action(api.pads.addToPad, {})).toEqual(expect.any(String));
  expect(await t.run((ctx) => ctx.db.query("notes").collect())).toEqual([]);
});

test.each(["", "a/b", "a b"])("%j is no name of a component", (name) => {
  const components = { [name]: { register: () => {} } };
  expect(() => defineTestApp({ schema, components })).toThrow(/cannot be the name of a component/);
});

test("a component that is mounted asynchronously is refused", () => {
  const register = (async () => {}) as unknown as ComponentRegistration<object>;
  const { createTest } = defineTestApp({ schema, components: { pad: { register } } }).defineModules({});
  expect(() => createTest()).toThrow(/without a wait/);
});
