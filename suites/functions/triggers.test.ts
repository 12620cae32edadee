import {
  defineSchema,
  defineTable,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import { describe, expect, test } from "vitest";
import { Triggers } from "trueup/triggers";
import { call, openApp, storageNames } from "../setup/open-app.js";

const schema = defineSchema({
  users: defineTable({ name: v.string(), upper: v.optional(v.string()) }),
  log: defineTable({ text: v.string() }),
  counters: defineTable({ n: v.number() }),
});
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Ctx = GenericMutationCtx<DataModel>;

/** An app whose users are logged and get their name in capitals, by triggers. */
function makeApp() {
  const seen: string[] = [];
  const triggers = new Triggers<DataModel>();
  triggers.register("users", async (ctx, { operation, id, oldDoc, newDoc }) => {
    seen.push(`${operation} ${oldDoc?.name ?? "-"} ${newDoc?.name ?? "-"}`);
    if (newDoc?.name === "forbidden") throw new Error("forbidden name");
    await ctx.db.insert("log", { text: operation });
    if (newDoc !== null && newDoc.upper === undefined) {
      await ctx.innerDb.patch("users", id, { upper: newDoc.name.toUpperCase() });
    }
  });
  triggers.register("counters", async (ctx, { id, newDoc }) => {
    if (newDoc !== null) await ctx.db.patch("counters", id, { n: newDoc.n + 1 });
  });
  const add = async ({ db }: Ctx, { name }: { name: string }): Promise<void> => {
    await db.insert("users", { name });
  };
  const args = { name: v.string() };
  const run = {
    triggers,
    plain: mutation({ args, handler: add }),
    wrapped: customMutation(mutation, customCtx(triggers.wrapDB))({ args, handler: add }),
    change: mutation(async ({ db }: Ctx) => {
      const user = await db.query("users").first();
      if (user === null) return;
      await db.patch(user._id, { name: "Bea" });
      await db.replace(user._id, { name: "Cid", upper: "CID" });
      await db.delete(user._id);
    }),
    caught: mutation(async ({ db }: Ctx) => {
      await db.insert("users", { name: "forbidden" }).catch(() => null);
      await db.insert("log", { text: "by hand" });
    }),
    endless: internalMutation(async ({ db }: Ctx) => {
      await db.insert("counters", { n: 0 });
    }),
    log: query(async ({ db }) => (await db.query("log").collect()).map((line) => line["text"])),
    users: query(async ({ db }) => (await db.query("users").collect()).map((user) => user["upper"])),
    counters: query(async ({ db }) => (await db.query("counters").collect()).length),
  };
  return { seen, options: { schema, modules: { run } } };
}

describe.each(storageNames)("exported triggers on %s", (storage) => {
  test("run for every write, once, whether the db is wrapped or not", async () => {
    const { seen, options } = makeApp();
    const app = await openApp(storage, options);
    await call(app, "run:plain", { name: "Ann" });
    await call(app, "run:wrapped", { name: "Abe" });
    await app.database.mutate(async (tx) => {
      await tx.component("").insert("users", { name: "Imp" });
    });
    expect(seen).toEqual(["insert - Ann", "insert - Abe", "insert - Imp"]);
    expect(await call(app, "run:users")).toEqual(["ANN", "ABE", "IMP"]);
    expect(await call(app, "run:log")).toEqual(["insert", "insert", "insert"]);
    await call(app, "run:change");
    expect(seen.slice(3)).toEqual(["update Ann Bea", "update Bea Cid", "delete Cid -"]);
  });

  test("a trigger that throws undoes the write and, unless it is caught, the mutation", async () => {
    const app = await openApp(storage, makeApp().options);
    await expect(call(app, "run:plain", { name: "forbidden" })).rejects.toThrow("forbidden name");
    await call(app, "run:caught");
    expect(await call(app, "run:users")).toEqual([]);
    expect(await call(app, "run:log")).toEqual(["by hand"]);
  });

  test("triggers that set each other off without end are stopped", async () => {
    const app = await openApp(storage, makeApp().options);
    await expect(call(app, "run:endless")).rejects.toMatchObject({ code: "TRIGGERS_TOO_DEEP" });
    expect(await call(app, "run:counters")).toBe(0);
  });
});
