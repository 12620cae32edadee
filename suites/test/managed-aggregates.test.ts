import {
  componentsGeneric,
  defineSchema,
  defineTable,
  makeFunctionReference,
  mutationGeneric as mutation,
  queryGeneric as query,
  type DataModelFromSchemaDefinition,
} from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { TableAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import { convexTest } from "trueup/test";

const schema = defineSchema({ scores: defineTable({ player: v.string(), score: v.number() }) });

interface Types {
  Key: number;
  DataModel: DataModelFromSchemaDefinition<typeof schema>;
  TableName: "scores";
}

function byScore(options: object = {}): TableAggregate<Types> {
  const components = componentsGeneric() as unknown as { readonly byScore: ComponentApi };
  return new TableAggregate<Types>(components.byScore, {
    table: "scores",
    sortKey: (doc) => doc.score,
    sumValue: (doc) => doc.score,
    ...options,
  });
}

function app(exports: Readonly<Record<string, unknown>>): Record<string, () => Promise<unknown>> {
  const [aggregate] = Object.values(exports) as [TableAggregate<Types>];
  const scores = {
    add: mutation({
      args: { player: v.string(), score: v.number() },
      handler: async ({ db }, args) => await db.insert("scores", args),
    }),
    total: query(async (ctx) => ({
      count: await aggregate.count(ctx),
      sum: await aggregate.sum(ctx),
    })),
  };
  return {
    "./convex/_generated/api.js": async () => ({}),
    "./convex/scores.ts": async () => scores,
    "./convex/aggregates.ts": async () => exports,
    "./convex/broken.ts": async () => {
      throw new Error("cannot be imported");
    },
  };
}

const total = makeFunctionReference<"query">("scores:total");
const add = makeFunctionReference<"mutation">("scores:add");

test("a managed aggregate answers from the first call on, and follows every write, of tests too", async () => {
  const t = convexTest(schema, app({ byScore: byScore() }));
  aggregateTest.register(t, "byScore");
  expect(await t.query(total)).toEqual({ count: 0, sum: 0 });
  await t.mutation(add, { player: "Ann", score: 10 });
  const id = await t.run((ctx) => ctx.db.insert("scores", { player: "Bob", score: 5 }));
  expect(await t.query(total)).toEqual({ count: 2, sum: 15 });
  await t.run(async (ctx) => {
    await ctx.db.patch("scores", id, { score: 7 });
    expect(await ctx.runQuery(total)).toEqual({ count: 2, sum: 17 });
  });
  await t.run((ctx) => ctx.db.delete("scores", id));
  expect(await t.query(total)).toEqual({ count: 1, sum: 10 });
});

test("one that is mounted later is built from what is there", async () => {
  const t = convexTest(schema, app({ byScore: byScore() }));
  await t.mutation(add, { player: "Ann", score: 10 });
  aggregateTest.register(t, "byScore");
  expect(await t.query(total)).toEqual({ count: 1, sum: 10 });
});

test("two that differ on one component, and a table that is not there, fail the test's first call", async () => {
  const shared = convexTest(schema, app({ one: byScore(), two: byScore({ version: 2 }) }));
  aggregateTest.register(shared, "byScore");
  await expect(shared.query(total)).rejects.toThrow(/'aggregates:one' and 'aggregates:two' differ/);
  const misspelt = convexTest(schema, app({ one: byScore({ table: "score" }) }));
  aggregateTest.register(misspelt, "byScore");
  await expect(misspelt.query(total)).rejects.toThrow(/Did you mean 'scores'/);
});
