import {
  createFunctionHandle,
  defineSchema,
  defineTable,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
  type FunctionHandle,
} from "convex/server";
import { v, type GenericId } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Backend } from "trueup";
import { call, openApp, storageNames } from "../setup/open-app.js";
import { fn, inComponent } from "./references.js";

/** Keeps lines of text. */
const log = {
  modules: {
    "./component/lib.ts": {
      write: mutation({
        args: { text: v.string() },
        handler: async ({ db }, { text }) => {
          await db.insert("lines", { text });
        },
      }),
      read: query(async ({ db }) => (await db.query("lines").collect()).map((line) => line["text"])),
    },
  },
};

/** Keeps numbers, and a line in a component of its own for each. */
const counter = {
  schema: defineSchema({ rows: defineTable({ n: v.number() }).index("by_n", ["n"]) }),
  components: { log },
  modules: {
    "./component/lib.ts": {
      add: mutation({
        args: { n: v.number() },
        handler: async (ctx, { n }) => {
          await ctx.db.insert("rows", { n });
          await ctx.runMutation(inComponent<"mutation">("log/lib/write"), { text: `added ${n}` });
        },
      }),
      sum: query(async ({ db }) =>
        (await db.query("rows").collect()).reduce((sum, row) => sum + Number(row["n"]), 0),
      ),
      logged: query((ctx) => ctx.runQuery(inComponent<"query">("log/lib/read"), {})),
      whoami: query(async ({ auth }) => await auth.getUserIdentity()),
      metadata: query(async (ctx) => await ctx.meta.getFunctionMetadata()),
      page: query(({ db }) => db.query("rows").paginate({ cursor: null, numItems: 1 })),
      get: query({ args: { id: v.string() }, handler: ({ db }, { id }) => db.get(id as GenericId<"rows">) }),
      callBack: mutation({
        args: { handle: v.string() },
        handler: (ctx, { handle }) => ctx.runMutation(handle as FunctionHandle<"mutation">, {}),
      }),
      hidden: internalMutation(() => null),
    },
  },
};

const run = {
  add: mutation({
    args: { counter: v.string(), n: v.number() },
    handler: (ctx, args) =>
      ctx.runMutation(inComponent<"mutation">(`${args.counter}/lib/add`), { n: args.n }),
  }),
  ask: query({
    args: { path: v.string() },
    handler: (ctx, { path }) => ctx.runQuery(inComponent<"query">(path), {}),
  }),
  leak: mutation(async (ctx) => {
    const id = await ctx.db.insert("rows", { n: 1 });
    return await ctx.runQuery(inComponent<"query">("first/lib/get"), { id });
  }),
  callBack: mutation(async (ctx) => {
    const handle = await createFunctionHandle(fn("run:internal"));
    await ctx.runMutation(inComponent<"mutation">("first/lib/callBack"), { handle });
  }),
  internal: internalMutation(async ({ db }) => {
    await db.insert("rows", { n: 100 });
  }),
  failing: mutation(async (ctx) => {
    await ctx.runMutation(inComponent<"mutation">("first/lib/add"), { n: 1 });
    throw new Error("no");
  }),
  caught: mutation(async (ctx) => {
    await ctx.runMutation(inComponent<"mutation">("first/lib/add"), { n: "x" }).catch(() => null);
    await ctx.runMutation(inComponent<"mutation">("first/lib/add"), { n: 4 });
  }),
  rows: query(async ({ db }) => (await db.query("rows").collect()).length),
};

describe.each(storageNames)("components on %s", (storage) => {
  const open = (): Promise<Backend> =>
    openApp(storage, { modules: { run }, components: { first: counter, second: counter } });

  test("instances keep their data apart, nested components too", async () => {
    const app = await open();
    await call(app, "run:add", { counter: "first", n: 1 });
    await call(app, "run:add", { counter: "first", n: 2 });
    await call(app, "run:add", { counter: "second", n: 5 });
    const ask = (path: string): Promise<unknown> => call(app, "run:ask", { path });
    expect([await ask("first/lib/sum"), await ask("second/lib/sum")]).toEqual([3, 5]);
    expect(await ask("first/lib/logged")).toEqual(["added 1", "added 2"]);
    expect(await ask("second/lib/logged")).toEqual(["added 5"]);
    expect(await call(app, "run:rows")).toBe(0);
    expect(await call(app, "lib:read", {}, { componentPath: "second/log" })).toEqual(["added 5"]);
  });

  test("a component is not told who calls, and knows only its own documents", async () => {
    const app = await open();
    const identity = { tokenIdentifier: "i|ann", subject: "ann", issuer: "i" };
    expect(await call(app, "run:ask", { path: "first/lib/whoami" }, { identity })).toBeNull();
    expect(await call(app, "run:ask", { path: "first/lib/metadata" })).toMatchObject({
      name: "lib:metadata",
      componentPath: "first",
    });
    expect(await call(app, "run:leak")).toBeNull();
  });

  test("only public functions can be called from outside a component, handles reach all", async () => {
    const app = await open();
    const ask = (path: string): Promise<unknown> => call(app, "run:ask", { path });
    await expect(ask("first/lib/hidden")).rejects.toThrow("Could not find public function");
    await expect(ask("third/lib/sum")).rejects.toMatchObject({ code: "COMPONENT_MISSING" });
    expect(await ask("first/lib/page")).toMatchObject({ page: [], isDone: true });
    await call(app, "run:callBack");
    expect(await call(app, "run:rows")).toBe(1);
  });

  test("a failure in a component undoes what it and its own components wrote", async () => {
    const app = await open();
    await expect(call(app, "run:failing")).rejects.toThrow("no");
    await call(app, "run:caught");
    expect(await call(app, "run:ask", { path: "first/lib/sum" })).toBe(4);
    expect(await call(app, "run:ask", { path: "first/lib/logged" })).toEqual(["added 4"]);
  });
});
