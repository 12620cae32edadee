import {
  actionGeneric as action,
  anyApi as api,
  createFunctionHandle,
  internalMutationGeneric as internalMutation,
  internalQueryGeneric as internalQuery,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { describe, expect, test } from "vitest";
import { openApp, storageNames } from "../open-app.js";

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
  names: query(async ({ db }) => (await db.query("rows").collect()).map((row) => row.name)),
  hidden: internalQuery(() => "hidden"),
  hiddenAdd: internalMutation(async ({ db }) => await db.insert("rows", { name: "hidden" })),
  echo: action({ args: { value: v.any() }, handler: (_ctx, { value }) => value }),
};

describe.each(storageNames)("nested calls on %s", (storage) => {
  test("a caught failure undoes only the nested mutation's own writes", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          default: mutation(async (ctx) => {
            await ctx.db.insert("rows", { name: "before" });
            const error = await ctx.runMutation(api.lib!.add!, { name: "inner", fail: true }).catch((e) => e);
            await ctx.runMutation(api.lib!.add!, { name: "after" });
            return [error instanceof ConvexError, error.data];
          }),
        },
      },
    });
    expect(await app.mutation(api.run!.default!)).toEqual([true, { refused: "inner" }]);
    expect(await app.query(api.lib!.names!)).toEqual(["before", "after"]);
  });

  test("calls and writes started together take turns: each failure undoes its own writes alone", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          default: mutation(async (ctx) => {
            const started = [
              ctx.runMutation(api.lib!.add!, { name: "a" }),
              ctx.db.insert("rows", { name: "b" }),
              ctx.runMutation(api.lib!.add!, { name: "c", fail: true }),
              ctx.db.insert("rows", { name: "d" }),
              ctx.runMutation(api.lib!.add!, { name: "e", fail: true }),
              ctx.runQuery(api.lib!.names!, {}),
            ];
            return (await Promise.allSettled(started)).at(-1);
          }),
        },
      },
    });
    const last = await app.mutation(api.run!.default!);
    expect(last.value).toEqual(["a", "b", "d"]);
    expect(await app.query(api.lib!.names!)).toEqual(["a", "b", "d"]);
  });

  test("a nested query sees the transaction's writes, and with a stale snapshot does not", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          default: mutation(async (ctx) => {
            await ctx.db.insert("rows", { name: "new" });
            return [
              await ctx.runQuery(api.lib!.names!, {}),
              await ctx.runQuery(api.lib!.names!, {}, { useStaleSnapshot: true }),
            ];
          }),
          stale: query((ctx) => ctx.runQuery(api.lib!.names!, {}, { useStaleSnapshot: true } as never)),
        },
      },
    });
    expect(await app.mutation(api.run!.default!)).toEqual([["new"], []]);
    await expect(app.query(api.run!.stale!)).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("nested calls may have limits of their own", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          default: mutation(async (ctx) => {
            const limited = ctx.runMutation(api.lib!.add!, { name: "x" }, { transactionLimits: { documentsWritten: 0 } });
            const error = await limited.catch((e) => e.code);
            await ctx.db.insert("rows", { name: "y" });
            const reading = ctx.runQuery(api.lib!.names!, {}, { transactionLimits: { documentsRead: 0 } });
            return [error, await reading.catch((e) => e.code)];
          }),
        },
      },
    });
    expect(await app.mutation(api.run!.default!)).toEqual(["TRANSACTION_LIMIT", "TRANSACTION_LIMIT"]);
    expect(await app.query(api.lib!.names!)).toEqual(["y"]);
  });

  test("an action runs queries, mutations and actions, each a transaction of its own", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          default: action(async (ctx) => {
            await ctx.runMutation(api.lib!.add!, { name: "kept" });
            const error = await ctx.runMutation(api.lib!.add!, { name: "lost", fail: true }).catch((e) => e.data);
            await ctx.runMutation(api.lib!.hiddenAdd!, {});
            return [error, await ctx.runQuery(api.lib!.names!, {}), await ctx.runAction(api.lib!.echo!, { value: 1n })];
          }),
          failing: action(async (ctx) => {
            await ctx.runMutation(api.lib!.add!, { name: "stays" });
            throw new Error("after");
          }),
        },
      },
    });
    expect(await app.action(api.run!.default!)).toEqual([{ refused: "lost" }, ["kept", "hidden"], 1n]);
    await expect(app.action(api.run!.failing!)).rejects.toThrow("after");
    expect(await app.query(api.lib!.names!)).toEqual(["kept", "hidden", "stays"]);
  });

  test("handles name functions across calls, and calling the wrong kind is refused", async () => {
    const app = await openApp(storage, {
      modules: {
        lib,
        run: {
          handle: mutation(async () => await createFunctionHandle(api.lib!.hiddenAdd!)),
          missing: mutation(async () => await createFunctionHandle(api.lib!.nothing!)),
          call: mutation(async (ctx, { handle }: { handle: any }) => typeof (await ctx.runMutation(handle, {}))),
          wrong: mutation((ctx) => ctx.runQuery(api.lib!.add! as never, { name: "x" } as never)),
          nonsense: mutation((ctx) => ctx.runMutation({} as never, {} as never)),
        },
      },
    });
    const handle: string = await app.mutation(api.run!.handle!);
    expect(handle).toMatch(/^function:\/\//);
    expect(await app.mutation(api.run!.call!, { handle })).toBe("string");
    await expect(app.mutation(api.run!.call!, { handle: "function://x" })).rejects.toMatchObject({ code: "FUNCTION_NOT_FOUND" });
    await expect(app.mutation(api.run!.missing!)).rejects.toThrow("Could not find function");
    await expect(app.mutation(api.run!.wrong!)).rejects.toMatchObject({ code: "FUNCTION_WRONG_KIND" });
    await expect(app.mutation(api.run!.nonsense!)).rejects.toMatchObject({ code: "INVALID_CALL" });
  });

  test("functions that call each other without end are stopped", async () => {
    const app = await openApp(storage, {
      modules: { run: { default: mutation((ctx) => ctx.runMutation(api.run!.default!, {})) } },
    });
    await expect(app.mutation(api.run!.default!)).rejects.toMatchObject({ code: "NESTED_TOO_DEEP" });
  });

  test("callers and callees never share objects", async () => {
    const app = await openApp(storage, {
      modules: {
        run: {
          change: mutation({ handler: (_ctx, args: any) => { args.list.push("callee"); return args; } }),
          default: mutation(async (ctx) => {
            const args = { list: ["caller"] };
            const result = await ctx.runMutation(api.run!.change!, args);
            result.list.push("result");
            return [args, result];
          }),
          thrower: query(() => { throw new ConvexError(shared); }),
        },
      },
    });
    const shared = { list: ["thrown"] };
    expect(await app.mutation(api.run!.default!)).toEqual([{ list: ["caller"] }, { list: ["caller", "callee", "result"] }]);
    const error = await app.query(api.run!.thrower!).catch((e) => e);
    expect(error.data).toEqual(shared);
    expect(error.data).not.toBe(shared);
  });
});
