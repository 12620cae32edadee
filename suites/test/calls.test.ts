import {
  anyApi,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  actionGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { describe, expect, test } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({
  messages: defineTable({ body: v.string(), author: v.optional(v.string()) }).index("by_author", ["author"]),
});

/** The data of a ConvexError of any copy of the package. */
function dataOf(error: unknown): unknown {
  return error instanceof Error && Symbol.for("ConvexError") in error && "data" in error ? error.data : error;
}

const fails = { code: "NO", at: 1, inner: { list: [1.5, null] } };
const modules = {
  messages: {
    send: mutationGeneric({
      args: { body: v.string() },
      returns: v.id("messages"),
      handler: (ctx, args) => ctx.db.insert("messages", args),
    }),
    list: queryGeneric({
      args: {},
      handler: async (ctx) => (await ctx.db.query("messages").collect()).map(({ body }) => body),
    }),
    who: queryGeneric(async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null),
    wrongReturn: queryGeneric({ args: {}, returns: v.number(), handler: () => "text" as unknown as number }),
    failQuery: queryGeneric(() => {
      throw new ConvexError(fails);
    }),
    failMutation: mutationGeneric(async (ctx) => {
      await ctx.db.insert("messages", { body: "undone" });
      throw new ConvexError(fails);
    }),
    failAction: actionGeneric(() => {
      throw new ConvexError(fails);
    }),
    catches: mutationGeneric(async (ctx) => {
      await ctx.db.insert("messages", { body: "kept" });
      try {
        await ctx.runMutation(anyApi["messages"]!["failMutation"]!, {});
      } catch (error) {
        return dataOf(error);
      }
      return null;
    }),
    catchesInAction: actionGeneric(async (ctx) => {
      const seen: unknown[] = [];
      for (const call of [
        () => ctx.runQuery(anyApi["messages"]!["failQuery"]!, {}),
        () => ctx.runMutation(anyApi["messages"]!["failMutation"]!, {}),
        () => ctx.runAction(anyApi["messages"]!["failAction"]!, {}),
      ]) {
        try {
          await call();
        } catch (error) {
          seen.push(dataOf(error));
        }
      }
      return seen as never;
    }),
    whoThroughCalls: actionGeneric(
      async (ctx): Promise<unknown> => await ctx.runQuery(anyApi["messages"]!["who"]!, {}),
    ),
    meta: mutationGeneric(async (ctx) => await ctx.meta.getRequestMetadata()),
    stale: mutationGeneric(async (ctx): Promise<unknown> => {
      await ctx.db.insert("messages", { body: "new" });
      const list = anyApi["messages"]!["list"]!;
      return [await ctx.runQuery(list, {}), await ctx.runQuery(list, {}, { useStaleSnapshot: true })];
    }),
  },
};

describe.each(engines)("calls on %s", (_name, open) => {
  test("functions are called by reference or inline, and undefined comes back as null", async () => {
    const t = open({ schema, modules });
    const id = await t.mutation(fn<"mutation">("messages:send"), { body: "a" });
    await t.mutation(async (ctx) => {
      await ctx.db.insert("messages", { body: "b", author: "me" });
    });
    expect(await t.query(fn<"query">("messages:list"))).toEqual(["a", "b"]);
    expect(await t.query((ctx) => ctx.db.get(id as never))).toMatchObject({ _id: id, body: "a" });
    expect(await t.run(async () => {})).toBeNull();
    expect(
      await t.action(async (ctx): Promise<unknown> => await ctx.runQuery(fn<"query">("messages:list"), {})),
    ).toEqual(["a", "b"]);
    const mine = await t.query((ctx) =>
      ctx.db
        .query("messages")
        .withIndex("by_author", (q) => q.eq("author", "me"))
        .unique(),
    );
    expect(mine?.body).toBe("b");
  });

  test("arguments, results and documents are validated, in words that tests match", async () => {
    const t = open({ schema, modules });
    await expect(t.mutation(fn<"mutation">("messages:send"), { body: 1 })).rejects.toThrow("Validator error");
    await expect(t.mutation(fn<"mutation">("messages:send"), {})).rejects.toThrow(
      "Missing required field `body`",
    );
    await expect(t.query(fn<"query">("messages:list"), { extra: 1 })).rejects.toThrow(
      "Unexpected field `extra`",
    );
    await expect(t.query(fn<"query">("messages:wrongReturn"))).rejects.toThrow(
      "Return value validation failed",
    );
    await expect(t.run((ctx) => ctx.db.insert("messages", { body: 1 as never }))).rejects.toThrow(
      "Validator error",
    );
    await expect(t.query(fn<"query">("nothing:here"))).rejects.toThrow(
      'Could not find module for: "nothing"',
    );
  });

  test("a ConvexError keeps its data through every kind of call, and undoes its own writes only", async () => {
    const t = open({ schema, modules });
    for (const call of [
      () => t.query(fn<"query">("messages:failQuery")),
      () => t.mutation(fn<"mutation">("messages:failMutation")),
      () => t.action(fn<"action">("messages:failAction")),
      () => t.run(() => Promise.reject(new ConvexError(fails))),
    ]) {
      await expect(call()).rejects.toMatchObject({ data: fails });
    }
    expect(await t.mutation(fn<"mutation">("messages:catches"))).toEqual(fails);
    expect(await t.query(fn<"query">("messages:list"))).toEqual(["kept"]);
    expect(await t.action(fn<"action">("messages:catchesInAction"))).toEqual([fails, fails, fails]);
  });

  test("an identity is filled up, and known to the app's functions however they are called", async () => {
    const t = open({ schema, modules });
    const asAda = t.withIdentity({ name: "Ada" });
    expect(await asAda.query(fn<"query">("messages:who"))).toBe("Ada");
    expect(await asAda.action(fn<"action">("messages:whoThroughCalls"))).toBe("Ada");
    expect(await t.query(fn<"query">("messages:who"))).toBeNull();
    const identity = await asAda.query((ctx) => ctx.auth.getUserIdentity());
    expect(identity).toMatchObject({ name: "Ada", issuer: "https://convex.test" });
    expect(identity?.tokenIdentifier).toBe(`https://convex.test|${identity?.subject}`);
  });

  test("request metadata come from the accessor, and the token says who calls", async () => {
    const t = open({ schema, modules });
    const call = fn<"mutation">("messages:meta");
    expect(await t.mutation(call)).toMatchObject({ ip: null, userAgent: null, authToken: null });
    const there = t.withRequestMetadata({ ip: "1.2.3.4" }).withIdentity({ subject: "s", givenName: "Ä" });
    const { ip, authToken } = await there.mutation(call);
    expect(ip).toBe("1.2.3.4");
    const payload = Buffer.from(authToken.split(".")[1], "base64url").toString();
    expect(JSON.parse(payload)).toEqual({ sub: "s", iss: "https://convex.test", given_name: "Ä" });
  });

  test("a stale snapshot is the state before the mutation", async () => {
    const t = open({ schema, modules });
    expect(await t.mutation(fn<"mutation">("messages:stale"))).toEqual([["new"], []]);
  });

  test("calls by reference from within t.run join its transaction", async () => {
    const t = open({ schema, modules });
    const seen = t.run(async (ctx) => {
      await ctx.db.insert("messages", { body: "outer" });
      await t.mutation(fn<"mutation">("messages:send"), { body: "inner" });
      const bodies = await t.query(fn<"query">("messages:list"));
      throw new Error(bodies.join());
    });
    await expect(seen).rejects.toThrow("outer,inner");
    expect(await t.query(fn<"query">("messages:list"))).toEqual([]);
  });

  test("apps are separate, and calls in parallel are transactions one after another", async () => {
    const [a, b] = [open({ schema, modules }), open({ schema, modules })];
    const sends = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? a : b).mutation(fn<"mutation">("messages:send"), { body: String(i) }),
    );
    await Promise.all(sends);
    expect(await a.query(fn<"query">("messages:list"))).toHaveLength(10);
    expect(await b.query(fn<"query">("messages:list"))).toEqual(
      Array.from({ length: 10 }, (_, i) => String(2 * i + 1)),
    );
  });

  test("limits are enforced when asked for, and reported always", async () => {
    const write =
      (n: number) =>
      async (ctx: { db: { insert(table: "messages", value: { body: string }): Promise<unknown> } }) => {
        for (let i = 0; i < n; i += 1) await ctx.db.insert("messages", { body: "x" });
      };
    const limited = open({ schema, modules, transactionLimits: { documentsWritten: 2 } });
    await limited.run(write(2));
    await expect(limited.run(write(3))).rejects.toThrow("Wrote too many documents");
    const free = open({ schema, modules });
    const used = await free.run(async (ctx) => {
      await write(3)(ctx);
      return (await ctx.meta.getTransactionMetrics()).documentsWritten;
    });
    expect(used).toEqual({ used: 3, remaining: 16_000 - 3 });
  });

  test("a nested call has no more than the limits it is given, and the caller goes on", async () => {
    const t = open({ schema, modules });
    const seen = await t.run(async (ctx) => {
      const send = fn<"mutation">("messages:send");
      await ctx.runMutation(send, { body: "first" }, { transactionLimits: { documentsWritten: 1 } });
      const second = ctx.runMutation(
        send,
        { body: "second" },
        { transactionLimits: { documentsWritten: 0 } },
      );
      const refused = await second.then(
        () => false,
        () => true,
      );
      await ctx.runMutation(send, { body: "third" });
      return refused;
    });
    expect(seen).toBe(true);
    expect(await t.query(fn<"query">("messages:list"))).toEqual(["first", "third"]);
  });
});
