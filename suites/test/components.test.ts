import {
  actionGeneric,
  createFunctionHandle,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
  type FunctionHandle,
} from "convex/server";
import { v } from "convex/values";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fn, inComponent } from "../functions/references.js";
import { engines, globOf } from "./engines.js";

const schema = defineSchema({ events: defineTable({ text: v.string() }) });
const counterSchema = defineSchema({
  counters: defineTable({ name: v.string(), value: v.number() }).index("name", ["name"]),
});

const counter = {
  public: {
    add: mutationGeneric({
      args: { name: v.string(), by: v.number() },
      handler: async (ctx, { name, by }) => {
        const found = await ctx.db
          .query("counters")
          .withIndex("name", (q) => q.eq("name", name))
          .unique();
        if (found === null) await ctx.db.insert("counters", { name, value: by });
        else await ctx.db.patch("counters", found._id, { value: found["value"] + by });
        if (by < 0) throw new Error("no negative numbers");
      },
    }),
    get: queryGeneric({
      args: { name: v.string() },
      handler: async (ctx, { name }): Promise<number> => {
        const found = await ctx.db
          .query("counters")
          .withIndex("name", (q) => q.eq("name", name))
          .unique();
        return found?.["value"] ?? 0;
      },
    }),
    who: queryGeneric(async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null),
    later: mutationGeneric(async (ctx, args: { name: string }) => {
      await ctx.scheduler.runAfter(0, fn<"mutation">("public:add"), { ...args, by: 1 });
    }),
    callBack: mutationGeneric(async (ctx, { handle }: { handle: FunctionHandle<"mutation"> }) => {
      await ctx.runMutation(handle, { text: "called back" });
    }),
    metadata: queryGeneric(async (ctx) => await ctx.meta.getFunctionMetadata()),
  },
};

const add = inComponent<"mutation">("counter/public/add");
const get = inComponent<"query">("counter/public/get");
const modules = {
  app: {
    addTwice: mutationGeneric(async (ctx) => {
      await ctx.runMutation(add, { name: "a", by: 1 });
      await ctx.db.insert("events", { text: "added" });
      try {
        await ctx.runMutation(add, { name: "a", by: -5 });
      } catch {
        // Its writes are undone, ours are not.
      }
      return await ctx.runQuery(get, { name: "a" });
    }),
    whoInComponent: actionGeneric(
      async (ctx): Promise<unknown> => await ctx.runQuery(inComponent<"query">("counter/public/who"), {}),
    ),
    record: internalMutationGeneric({
      args: { text: v.string() },
      handler: async (ctx, args) => {
        await ctx.db.insert("events", args);
      },
    }),
    registerCallback: mutationGeneric(async (ctx) => {
      const handle = await createFunctionHandle(fn<"mutation">("app:record"));
      await ctx.runMutation(inComponent<"mutation">("counter/public/callBack"), { handle });
    }),
  },
};

afterEach(() => {
  vi.useRealTimers();
});

describe.each(engines)("components on %s", (_name, open) => {
  const withCounter = () => {
    const t = open({ schema, modules });
    t.registerComponent("counter", counterSchema, globOf(counter));
    return t;
  };

  test("are called by tests and by functions, in the caller's transaction", async () => {
    const t = withCounter();
    await t.mutation(add, { name: "a", by: 3 });
    expect(await t.query(get, { name: "a" })).toBe(3);
    expect(await t.mutation(fn<"mutation">("app:addTwice"))).toBe(4);
    await expect(
      t.run(async (ctx) => {
        await ctx.runMutation(add, { name: "a", by: 10 });
        throw new Error("undone");
      }),
    ).rejects.toThrow("undone");
    expect(await t.query(get, { name: "a" })).toBe(4);
  });

  test("keep their data to themselves, one mounted twice too", async () => {
    const t = withCounter();
    t.registerComponent("other", counterSchema, globOf(counter));
    await t.mutation(add, { name: "a", by: 1 });
    expect(await t.query(inComponent<"query">("other/public/get"), { name: "a" })).toBe(0);
  });

  test("may be mounted after the first call, and are refused by name when they are not", async () => {
    const t = open({ schema, modules });
    await t.run((ctx) => ctx.db.insert("events", { text: "before" }));
    await expect(t.query(get, { name: "a" })).rejects.toThrow('Component "counter" is not registered');
    t.registerComponent("counter", counterSchema, globOf(counter));
    expect(await t.query(get, { name: "a" })).toBe(0);
    expect(await t.run((ctx) => ctx.db.query("events").collect())).toHaveLength(1);
  });

  test("are not told who called the app, but are told who calls them", async () => {
    const t = withCounter().withIdentity({ name: "Ada" });
    expect(await t.action(fn<"action">("app:whoInComponent"))).toBeNull();
    expect(await t.query(inComponent<"query">("counter/public/who"))).toBe("Ada");
  });

  test("call back through function handles", async () => {
    const t = withCounter();
    await t.mutation(fn<"mutation">("app:registerCallback"));
    expect(await t.run((ctx) => ctx.db.query("events").collect())).toMatchObject([{ text: "called back" }]);
  });

  test("schedule their own functions, and know where they are", async () => {
    vi.useFakeTimers();
    const t = withCounter();
    await t.mutation(inComponent<"mutation">("counter/public/later"), { name: "b" });
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    expect(await t.query(get, { name: "b" })).toBe(1);
    expect(await t.query(inComponent<"query">("counter/public/metadata"))).toMatchObject({
      name: "public:metadata",
      componentPath: "counter",
    });
  });
});
