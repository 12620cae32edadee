import {
  anyApi as api,
  componentsGeneric,
  createFunctionHandle,
  defineSchema,
  defineTable,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { openApp, storageNames } from "../open-app.js";

const components: any = componentsGeneric();

/** A counter that keeps its rows to itself, with a nested log. */
const counter = {
  schema: defineSchema({ rows: defineTable({ n: v.number() }).index("by_n", ["n"]) }),
  modules: {
    "./component/lib.ts": {
      add: mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => {
        await ctx.db.insert("rows", { n });
        await ctx.runMutation(components.log.lib.write, { text: `added ${n}` });
        return null;
      } }),
      sum: query(async ({ db }) => (await db.query("rows").collect()).reduce((sum, row) => sum + row["n"], 0)),
      logged: query((ctx) => ctx.runQuery(components.log.lib.read, {})),
      whoami: query(async ({ auth }) => await auth.getUserIdentity()),
      metadata: query(async (ctx) => (ctx as any).meta.getFunctionMetadata()),
      page: query(({ db }) => db.query("rows").paginate({ cursor: null, numItems: 1 })),
      get: query(({ db }, { id }: { id: string }) => db.get(id as never)),
      callBack: mutation((ctx, { handle }: { handle: any }) => ctx.runMutation(handle, {})),
      hidden: internalMutation(() => null),
    },
  },
  components: {
    log: {
      modules: {
        "./component/lib.ts": {
          write: mutation(async ({ db }, { text }: { text: string }) => { await db.insert("lines", { text }); }),
          read: query(async ({ db }) => (await db.query("lines").collect()).map((line) => line["text"])),
        },
      },
    },
  },
};

const run = {
  add: mutation((ctx, args: { counter: string; n: number }) => ctx.runMutation(components[args.counter].lib.add, { n: args.n })),
  ask: query((ctx, { name, at = "first" }: { name: string; at?: string }) => ctx.runQuery(components[at].lib[name], {})),
  leak: mutation(async (ctx) => {
    const id = await ctx.db.insert("rows", { n: 1 });
    return await ctx.runQuery(components.first.lib.get, { id });
  }),
  callBack: mutation(async (ctx) =>
    ctx.runMutation(components.first.lib.callBack, { handle: await createFunctionHandle(api.run!.internal!) })),
  internal: internalMutation(async ({ db, auth }) => {
    await db.insert("rows", { n: 100 });
    return (await auth.getUserIdentity())?.subject ?? null;
  }),
  rows: query(async ({ db }) => (await db.query("rows").collect()).length),
};

describe.each(storageNames)("components on %s", (storage) => {
  const open = () => openApp(storage, { modules: { run }, components: { first: counter, second: counter } });

  test("instances keep their data apart, nested components too", async () => {
    const app = await open();
    await app.mutation(api.run!.add!, { counter: "first", n: 1 });
    await app.mutation(api.run!.add!, { counter: "first", n: 2 });
    await app.mutation(api.run!.add!, { counter: "second", n: 5 });
    const ask = (name: string, at: string): Promise<unknown> => app.query(api.run!.ask!, { name, at });
    expect([await ask("sum", "first"), await ask("sum", "second")]).toEqual([3, 5]);
    expect([await ask("logged", "first"), await ask("logged", "second")]).toEqual([["added 1", "added 2"], ["added 5"]]);
    expect(await app.query(api.run!.rows!)).toBe(0);
    const direct = await app.run({ path: "lib:read", componentPath: "second/log", allowInternal: true });
    expect(direct).toMatchObject({ status: "success", value: ["added 5"] });
  });

  test("a component is not told who calls, and knows only its own documents", async () => {
    const app = await open();
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    expect(await app.query(api.run!.ask!, { name: "whoami" }, { identity })).toBeNull();
    expect(await app.query(api.run!.ask!, { name: "metadata" })).toMatchObject({ name: "lib:metadata", componentPath: "first" });
    expect(await app.mutation(api.run!.leak!)).toBeNull();
  });

  test("only public functions can be called from outside a component, handles reach all", async () => {
    const app = await open();
    await expect(app.query(api.run!.ask!, { name: "hidden" })).rejects.toThrow("Could not find public function");
    await expect(app.query(api.run!.ask!, { name: "sum", at: "third" })).rejects.toMatchObject({ code: "COMPONENT_MISSING" });
    await expect(app.query(api.run!.ask!, { name: "page" })).rejects.toThrow("inside components");
    await app.mutation(api.run!.callBack!);
    expect(await app.query(api.run!.rows!)).toBe(1);
  });

  test("a failure in a component undoes what it and its own components wrote", async () => {
    const failing = {
      ...run,
      failing: mutation(async (ctx) => {
        await ctx.runMutation(components.first.lib.add, { n: 1 });
        throw new Error("no");
      }),
      caught: mutation(async (ctx) => {
        await ctx.runMutation(components.first.lib.add, { n: "x" }).catch(() => null);
        await ctx.runMutation(components.first.lib.add, { n: 4 });
      }),
    };
    const app = await openApp(storage, { modules: { run: failing }, components: { first: counter } });
    await expect(app.mutation(api.run!.failing!)).rejects.toThrow("no");
    await app.mutation(api.run!.caught!);
    expect(await app.query(api.run!.ask!, { name: "sum" })).toBe(4);
    expect(await app.query(api.run!.ask!, { name: "logged" })).toEqual(["added 4"]);
  });
});
