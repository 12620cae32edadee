import {
  actionGeneric as action,
  createFunctionHandle,
  internalMutationGeneric as internalMutation,
  internalQueryGeneric as internalQuery,
  mutationGeneric as mutation,
  queryGeneric as query,
  type FunctionHandle,
} from "convex/server";
import { ConvexError, jsonToConvex, v, type JSONValue } from "convex/values";
import { describe, expect, test } from "vitest";
import { call, openApp, storageNames } from "../setup/open-app.js";
import { fn } from "./references.js";

const add = fn<"mutation">("lib:add");
const names = fn<"query">("lib:names");

const lib = {
  add: mutation({
    args: { name: v.string(), fail: v.optional(v.boolean()) },
    handler: async ({ db }, { name, fail }) => {
      await db.insert("rows", { name });
      await Promise.resolve();
      if (fail) throw new ConvexError({ refused: name });
      return name;
    },
  }),
  names: query(async ({ db }) => (await db.query("rows").collect()).map((row) => row["name"])),
  hidden: internalQuery(() => "hidden"),
  hiddenAdd: internalMutation(async ({ db }) => await db.insert("rows", { name: "hidden" })),
  echo: action({ args: { value: v.any() }, handler: (_ctx, { value }) => value }),
};

const dataOf = (error: unknown): unknown => (error instanceof ConvexError ? error.data : error);
const codeOf = (error: { code?: string }): string | undefined => error.code;

const convexGlobal = (): { asyncSyscall(operation: string, args: string): Promise<string> } =>
  Reflect.get(globalThis, "Convex") as never;

describe.each(storageNames)("nested calls on %s", (storage) => {
  test("a caught failure undoes only the nested mutation's own writes", async () => {
    const run = mutation(async (ctx) => {
      await ctx.db.insert("rows", { name: "before" });
      const data = await ctx.runMutation(add, { name: "inner", fail: true }).catch(dataOf);
      await ctx.runMutation(add, { name: "after" });
      return data;
    });
    const app = await openApp(storage, { modules: { lib, test: { run } } });
    expect(await call(app, "test:run")).toEqual({ refused: "inner" });
    expect(await call(app, "lib:names")).toEqual(["before", "after"]);
  });

  test("each function may run one paginated query, and a nested one has its own, as Convex gives each a journal", async () => {
    const opts = { cursor: null, numItems: 1 };
    const page = query(({ db }) => db.query("rows").paginate(opts));
    const nested = query(async (ctx) => {
      const own = await ctx.db.query("rows").paginate(opts);
      const others = [
        await ctx.runQuery(fn<"query">("test:page")),
        await ctx.runQuery(fn<"query">("test:page")),
      ];
      return [own, ...others].map(({ page: rows }) => rows.length);
    });
    const twice = query(async (ctx) => {
      await ctx.runQuery(fn<"query">("test:page"));
      await ctx.db.query("rows").paginate(opts);
      await ctx.db.query("rows").paginate(opts);
    });
    const app = await openApp(storage, { modules: { lib, test: { page, nested, twice } } });
    await call(app, "lib:add", { name: "a" });
    expect(await call(app, "test:nested")).toEqual([1, 1, 1]);
    await expect(call(app, "test:twice")).rejects.toMatchObject({ code: "PAGINATED_TWICE" });
  });

  test("calls and writes started together take turns: each failure undoes its own writes alone", async () => {
    const run = mutation(async (ctx) => {
      const settled = await Promise.allSettled([
        ctx.runMutation(add, { name: "a" }),
        ctx.db.insert("rows", { name: "b" }),
        ctx.runMutation(add, { name: "c", fail: true }),
        ctx.db.insert("rows", { name: "d" }),
        ctx.runMutation(add, { name: "e", fail: true }),
        ctx.runQuery(names, {}),
      ]);
      const last = settled.at(-1);
      return last?.status === "fulfilled" ? last.value : null;
    });
    const app = await openApp(storage, { modules: { lib, test: { run } } });
    expect(await call(app, "test:run")).toEqual(["a", "b", "d"]);
    expect(await call(app, "lib:names")).toEqual(["a", "b", "d"]);
  });

  test("a nested query sees the transaction's writes, and with a stale snapshot does not", async () => {
    const run = mutation(async (ctx) => {
      await ctx.db.insert("rows", { name: "new" });
      return [await ctx.runQuery(names, {}), await ctx.runQuery(names, {}, { useStaleSnapshot: true })];
    });
    const stale = query((ctx) => ctx.runQuery(names, {}, { useStaleSnapshot: true } as object));
    const app = await openApp(storage, { modules: { lib, test: { run, stale } } });
    expect(await call(app, "test:run")).toEqual([["new"], []]);
    await expect(call(app, "test:stale")).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("a library calls functions through the global, by name or handle, as through its ctx", async () => {
    const runUdf = async (args: object): Promise<unknown> =>
      jsonToConvex(
        JSON.parse(await convexGlobal().asyncSyscall("1.0/runUdf", JSON.stringify(args))) as JSONValue,
      );
    const run = mutation(async (ctx) => {
      await ctx.db.insert("rows", { name: "outer" });
      const functionHandle = await createFunctionHandle(names);
      return [
        await runUdf({ udfType: "mutation", name: "lib:add", args: { name: "inner" } }),
        await runUdf({ udfType: "mutation", name: "lib:add", args: { name: "x", fail: true } }).catch(dataOf),
        await runUdf({ udfType: "query", functionHandle, args: {} }),
        await runUdf({ udfType: "snapshotQuery", functionHandle, args: {} }),
        await runUdf({
          udfType: "query",
          functionHandle,
          args: {},
          transactionLimits: { documentsRead: 0 },
        }).catch(codeOf),
        await runUdf({ udfType: "action", name: "lib:echo", args: {} }).catch(codeOf),
      ];
    });
    const reads = query(() =>
      runUdf({ udfType: "mutation", name: "lib:add", args: { name: "x" } }).catch(codeOf),
    );
    const app = await openApp(storage, { modules: { lib, test: { run, reads } } });
    expect(await call(app, "test:run")).toEqual([
      "inner",
      { refused: "x" },
      ["outer", "inner"],
      [],
      "TRANSACTION_LIMIT",
      "INVALID_CALL",
    ]);
    expect(await call(app, "test:reads")).toBe("INVALID_CALL");
  });

  test("nested calls may have limits of their own", async () => {
    const run = mutation(async (ctx) => {
      const write = ctx.runMutation(add, { name: "x" }, { transactionLimits: { documentsWritten: 0 } });
      const refused = await write.catch(codeOf);
      await ctx.db.insert("rows", { name: "y" });
      const read = ctx.runQuery(names, {}, { transactionLimits: { documentsRead: 0 } });
      return [refused, await read.catch(codeOf)];
    });
    const app = await openApp(storage, { modules: { lib, test: { run } } });
    expect(await call(app, "test:run")).toEqual(["TRANSACTION_LIMIT", "TRANSACTION_LIMIT"]);
    expect(await call(app, "lib:names")).toEqual(["y"]);
  });

  test("an action runs queries, mutations and actions, each a transaction of its own", async () => {
    const run = action(async (ctx) => {
      await ctx.runMutation(add, { name: "kept" });
      const lost = await ctx.runMutation(add, { name: "lost", fail: true }).catch(dataOf);
      await ctx.runMutation(fn<"mutation">("lib:hiddenAdd"), {});
      const echo = await ctx.runAction(fn<"action">("lib:echo"), { value: 1n });
      return [lost, await ctx.runQuery(names, {}), echo];
    });
    const failing = action(async (ctx) => {
      await ctx.runMutation(add, { name: "stays" });
      throw new Error("after");
    });
    const app = await openApp(storage, { modules: { lib, test: { run, failing } } });
    expect(await call(app, "test:run")).toEqual([{ refused: "lost" }, ["kept", "hidden"], 1n]);
    await expect(call(app, "test:failing")).rejects.toThrow("after");
    expect(await call(app, "lib:names")).toEqual(["kept", "hidden", "stays"]);
  });

  test("handles name functions across calls, and calling the wrong kind is refused", async () => {
    const handle = mutation(async () => await createFunctionHandle(fn("lib:hiddenAdd")));
    const missing = mutation(async () => await createFunctionHandle(fn("lib:nothing")));
    const through = mutation({
      args: { handle: v.string() },
      handler: async (ctx, args) =>
        typeof (await ctx.runMutation(args.handle as FunctionHandle<"mutation">, {})),
    });
    const wrong = mutation((ctx) => ctx.runQuery(fn<"query">("lib:add"), { name: "x" }));
    const nonsense = mutation((ctx) => ctx.runMutation({} as typeof add, {}));
    const app = await openApp(storage, {
      modules: { lib, test: { handle, missing, through, wrong, nonsense } },
    });
    const made = await call(app, "test:handle");
    expect(made).toMatch(/^function:\/\//);
    expect(await call(app, "test:through", { handle: made })).toBe("string");
    const broken = call(app, "test:through", { handle: "function://x" });
    await expect(broken).rejects.toMatchObject({ code: "FUNCTION_NOT_FOUND" });
    await expect(call(app, "test:missing")).rejects.toThrow("Could not find function");
    await expect(call(app, "test:wrong")).rejects.toMatchObject({ code: "FUNCTION_WRONG_KIND" });
    await expect(call(app, "test:nonsense")).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("functions that call each other without end are stopped", async () => {
    const run = mutation((ctx): Promise<unknown> => ctx.runMutation(fn<"mutation">("test:run"), {}));
    const app = await openApp(storage, { modules: { test: { run } } });
    await expect(call(app, "test:run")).rejects.toMatchObject({ code: "NESTED_TOO_DEEP" });
  });

  test("callers and callees never share objects", async () => {
    const shared = { list: ["thrown"] };
    const change = mutation({
      args: { list: v.array(v.string()) },
      handler: (_ctx, args) => {
        args.list.push("callee");
        return args;
      },
    });
    const run = mutation(async (ctx) => {
      const args = { list: ["caller"] };
      const result = await ctx.runMutation(fn<"mutation">("test:change"), args);
      result.list.push("result");
      return [args, result];
    });
    const thrower = query(() => {
      throw new ConvexError(shared);
    });
    const app = await openApp(storage, { modules: { test: { change, run, thrower } } });
    expect(await call(app, "test:run")).toEqual([
      { list: ["caller"] },
      { list: ["caller", "callee", "result"] },
    ]);
    const data = await call(app, "test:thrower").catch(dataOf);
    expect(data).toEqual(shared);
    expect(data).not.toBe(shared);
  });
});
