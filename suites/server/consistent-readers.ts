/** Clients that read as of the time when they began, while another one writes; and the app that they use. */
import assert from "node:assert/strict";
import { ConvexHttpClient } from "convex/browser";
import { anyApi, mutationGeneric, queryGeneric, type FunctionReference } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";

/** Rows by key. */
export const app = {
  set: mutationGeneric({
    args: { key: v.string(), value: v.number() },
    handler: async (ctx, { key, value }) => {
      const row = await ctx.db
        .query("rows")
        .filter((q) => q.eq(q.field("key"), key))
        .unique();
      if (row === null) await ctx.db.insert("rows", { key, value });
      else await ctx.db.patch(row._id, { value });
    },
  }),
  remove: mutationGeneric({
    args: { key: v.string() },
    handler: async (ctx, { key }) => {
      for await (const row of ctx.db.query("rows")) if (row["key"] === key) await ctx.db.delete(row._id);
    },
  }),
  all: queryGeneric({
    args: {},
    handler: async (ctx) => {
      const rows = await ctx.db.query("rows").collect();
      return rows.map(({ key, value }) => `${String(key)}=${String(value)}`).toSorted();
    },
  }),
  one: queryGeneric({
    args: { key: v.string() },
    handler: async (ctx, { key }) =>
      (await ctx.db.query("rows").collect()).filter((row) => row["key"] === key).map((row) => row["value"]),
  }),
};
interface Functions {
  readonly set: FunctionReference<"mutation", "public", { key: string; value: number }>;
  readonly remove: FunctionReference<"mutation", "public", { key: string }>;
  readonly all: FunctionReference<"query", "public", Record<string, never>, string[]>;
  readonly one: FunctionReference<"query", "public", { key: string }, number[]>;
}
/** The functions of the app. */
const { set, remove, all, one } = anyApi["mod"] as unknown as Functions;
export { all, set };

const key = fc.constantFrom("a", "b", "c");
/** A step of a history: a write, a client that begins, or one that reads. */
export const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("set" as const), key, value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("remove" as const), key }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("begin" as const) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("read" as const), which: fc.nat(), key }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Fewer than a server holds timestamps. */
const maxBegun = 30;

/** Clients that have asked for a timestamp, each with the rows as they were then. */
export class Readers {
  readonly #url: string;
  readonly #writer: ConvexHttpClient;
  readonly #rows = new Map<string, number>();
  readonly #begun: { readonly client: ConvexHttpClient; readonly rows: ReadonlyMap<string, number> }[] = [];
  /** Answers that are under way while the next steps write. */
  readonly #answers: Promise<void>[] = [];

  constructor(url: string) {
    this.#url = url;
    this.#writer = new ConvexHttpClient(url);
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) await this.#step(each);
    await Promise.all(this.#answers);
  }

  async #step(each: Step): Promise<void> {
    switch (each.type) {
      case "set":
        await this.#writer.mutation(set, { key: each.key, value: each.value });
        this.#rows.set(each.key, each.value);
        break;
      case "remove":
        await this.#writer.mutation(remove, { key: each.key });
        this.#rows.delete(each.key);
        break;
      case "begin": {
        if (this.#begun.length === maxBegun) break;
        const rows = new Map(this.#rows);
        const client = new ConvexHttpClient(this.#url);
        this.#begun.push({ client, rows });
        assert.deepEqual(await client.consistentQuery(all), listOf(rows));
        break;
      }
      case "read": {
        const reader = this.#begun[each.which % this.#begun.length];
        if (reader !== undefined) this.#answers.push(this.#read(reader.client, reader.rows, each.key));
      }
    }
  }

  async #read(client: ConvexHttpClient, rows: ReadonlyMap<string, number>, name: string): Promise<void> {
    const value = rows.get(name);
    assert.deepEqual(await client.consistentQuery(one, { key: name }), value === undefined ? [] : [value]);
    assert.deepEqual(await client.consistentQuery(all), listOf(rows));
  }
}

function listOf(rows: ReadonlyMap<string, number>): string[] {
  return [...rows].map(([name, value]) => `${name}=${value}`).toSorted();
}
