import {
  defineSchema,
  defineTable,
  queryGeneric,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({
  items: defineTable({ n: v.number(), even: v.boolean() }).index("by_n", ["n"]),
});
type PageArgs = { opts: PaginationOptions; order?: "asc" | "desc"; onlyEven?: boolean };

const modules = {
  items: {
    page: queryGeneric((ctx, { opts, order = "asc", onlyEven = false }: PageArgs) => {
      const ordered = ctx.db.query("items").withIndex("by_n").order(order);
      return (onlyEven ? ordered.filter((q) => q.eq(q.field("even"), true)) : ordered).paginate(opts);
    }),
    twice: queryGeneric(async (ctx) => {
      const opts = { numItems: 1, cursor: null };
      await ctx.db.query("items").paginate(opts);
      await ctx.db.query("items").paginate(opts);
    }),
  },
};
const page = fn<"query">("items:page");

describe.each(engines)("pagination on %s", (_name, open) => {
  const withItems = async (count: number) => {
    const t = open({ schema, modules });
    await t.run(async (ctx) => {
      for (let n = 0; n < count; n += 1) await ctx.db.insert("items", { n, even: n % 2 === 0 });
    });
    const read = async (opts: object, rest: object = {}) => {
      const result: PaginationResult<{ n: number }> = await t.query(page, { opts, ...rest });
      return { ...result, ns: result.page.map(({ n }) => n) };
    };
    return { t, read };
  };

  test("goes through everything once, in either order", async () => {
    const { read } = await withItems(7);
    for (const order of ["asc", "desc"]) {
      const seen: number[] = [];
      let cursor: string | null = null;
      for (let isDone = false; !isDone;) {
        const result: Awaited<ReturnType<typeof read>> = await read({ numItems: 3, cursor }, { order });
        seen.push(...result.ns);
        ({ isDone, continueCursor: cursor } = result);
      }
      expect(seen).toEqual(order === "asc" ? [0, 1, 2, 3, 4, 5, 6] : [6, 5, 4, 3, 2, 1, 0]);
    }
  });

  test("goes on where it was while documents come and go", async () => {
    const { t, read } = await withItems(6);
    const first = await read({ numItems: 2, cursor: null });
    await t.run(async (ctx) => {
      const [zero, one, two] = await ctx.db.query("items").withIndex("by_n").take(3);
      for (const item of [zero, one, two]) await ctx.db.delete(item!._id);
      await ctx.db.insert("items", { n: 0.5, even: false });
      await ctx.db.insert("items", { n: 3.5, even: false });
    });
    expect((await read({ numItems: 10, cursor: first.continueCursor })).ns).toEqual([3, 3.5, 4, 5]);
  });

  test("ends a page at endCursor, however many documents are before it", async () => {
    const { t, read } = await withItems(6);
    const first = await read({ numItems: 2, cursor: null });
    await t.run((ctx) => ctx.db.insert("items", { n: 0.5, even: false }));
    const again = await read({ numItems: 2, cursor: null, endCursor: first.continueCursor });
    expect(again.ns).toEqual([0, 0.5, 1]);
    expect(again.continueCursor).toBe(first.continueCursor);
  });

  test("reads no more rows than it may, and says where to split", async () => {
    const { read } = await withItems(10);
    const cut = await read({ numItems: 5, cursor: null, maximumRowsRead: 4 }, { onlyEven: true });
    expect(cut.ns).toEqual([0, 2]);
    expect(cut.isDone).toBe(false);
    expect(cut.pageStatus).toBe("SplitRequired");
    const even = { onlyEven: true };
    const front = await read({ numItems: 5, cursor: null, endCursor: cut.splitCursor }, even);
    const back = await read({ numItems: 5, cursor: cut.splitCursor, endCursor: cut.continueCursor }, even);
    expect([...front.ns, ...back.ns]).toEqual([0, 2]);
    expect((await read({ numItems: 9, cursor: cut.continueCursor }, even)).ns).toEqual([4, 6, 8]);
  });

  test("happens once in a function", async () => {
    const { t } = await withItems(1);
    await expect(t.query(fn<"query">("items:twice"))).rejects.toThrow(
      "Only a single paginated query (`.paginate()`) is allowed",
    );
  });
});
