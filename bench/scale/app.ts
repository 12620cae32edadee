/** The app that servers on one Postgres serve: one function for each way in which servers may be in each other's way. */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { v, type GenericId } from "convex/values";
import { TableAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import { componentFrom, type App } from "../harness/hosts.js";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const schema = defineSchema({
  cards: defineTable({ n: v.number(), text: v.string() }),
  notes: defineTable({ text: v.string() }),
  scores: defineTable({ player: v.string(), score: v.number() }),
  counters: defineTable({ n: v.number() }),
  messages: defineTable({ room: v.number(), text: v.string() }).index("by_room", ["room"]),
});
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type MutationCtx = GenericMutationCtx<DataModel>;
type QueryCtx = GenericQueryCtx<DataModel>;
type CardId = GenericId<"cards">;

const components = componentsGeneric() as unknown as { board: ComponentApi };
const byScore = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "scores" }>(
  components.board,
  { table: "scores", sortKey: ({ score }) => score, sumValue: ({ score }) => score },
);

/** Arithmetic that takes about a microsecond a round. */
function compute(rounds: number): number {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < 400; step++) sum = (sum * 31 + step) % 1_000_003;
  }
  return sum;
}

async function touch(ctx: MutationCtx, id: CardId): Promise<void> {
  const card = await ctx.db.get(id);
  if (card === null) throw new Error("no such card");
  await ctx.db.patch(id, { n: card.n + 1 });
}

const functions = {
  fill: mutationGeneric({
    args: { count: v.number() },
    handler: async (ctx: MutationCtx, { count }: { count: number }) => {
      const ids: CardId[] = [];
      for (let n = 0; n < count; n++) ids.push(await ctx.db.insert("cards", { n: 0, text: "x".repeat(100) }));
      return ids;
    },
  }),
  busy: mutationGeneric({
    args: { id: v.id("cards"), rounds: v.number() },
    handler: async (ctx: MutationCtx, { id, rounds }: { id: CardId; rounds: number }) => {
      const result = compute(rounds);
      await touch(ctx, id);
      await ctx.db.insert("notes", { text: `computed ${result}` });
      await ctx.db.insert("notes", { text: `once more ${result}` });
    },
  }),
  note: mutationGeneric({
    args: { id: v.id("cards") },
    handler: async (ctx: MutationCtx, { id }: { id: CardId }) => {
      await touch(ctx, id);
      await ctx.db.insert("notes", { text: "noted" });
    },
  }),
  card: queryGeneric({
    args: { id: v.id("cards") },
    handler: (ctx: QueryCtx, { id }: { id: CardId }) => ctx.db.get(id),
  }),
  score: mutationGeneric({
    args: { player: v.string(), score: v.number() },
    handler: (ctx: MutationCtx, fields: { player: string; score: number }) => ctx.db.insert("scores", fields),
  }),
  counted: queryGeneric({ args: {}, handler: (ctx: QueryCtx) => byScore.count(ctx) }),
  bump: mutationGeneric({
    args: {},
    handler: async (ctx: MutationCtx) => {
      const counter = await ctx.db.query("counters").first();
      if (counter === null) await ctx.db.insert("counters", { n: 1 });
      else await ctx.db.patch(counter._id, { n: counter.n + 1 });
    },
  }),
  bumped: queryGeneric({
    args: {},
    handler: async (ctx: QueryCtx) => (await ctx.db.query("counters").first())?.n ?? 0,
  }),
  noted: queryGeneric({
    args: {},
    handler: async (ctx: QueryCtx) => {
      let n = 0;
      for await (const card of ctx.db.query("cards")) n += card.n;
      return n;
    },
  }),
  say: mutationGeneric({
    args: { room: v.number(), text: v.string() },
    handler: (ctx: MutationCtx, message: { room: number; text: string }) =>
      ctx.db.insert("messages", message),
  }),
  latest: queryGeneric({
    args: { room: v.number() },
    handler: (ctx: QueryCtx, { room }: { room: number }) =>
      ctx.db
        .query("messages")
        .withIndex("by_room", (q) => q.eq("room", room))
        .order("desc")
        .first(),
  }),
};

export async function scaleApp(): Promise<App> {
  const folder = dirname(fileURLToPath(import.meta.resolve("trueup/aggregate/convex.config")));
  return {
    schema,
    modules: { bench: { ...functions, byScore } },
    components: { board: await componentFrom(folder) },
  };
}
