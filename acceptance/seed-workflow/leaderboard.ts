/**
 * The leaderboard of the seeds, in the versions that the workflow deploys one after another: without
 * aggregates, with idempotent writes and a backfill, with regular writes, with triggers.
 */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import { customCtx, customMutation } from "convex-helpers/server/customFunctions";
import type { ModuleSource } from "trueup";
import { fn } from "../../suites/functions/references.js";
import type { Kit } from "./kits.js";

const schema = defineSchema({
  leaderboard: defineTable({ name: v.string(), score: v.number() }).index("by_score", ["score"]),
});

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Ctx = GenericMutationCtx<DataModel>;
type Entry = DataModel["leaderboard"]["document"];

export type Version = "plain" | "idempotent" | "regular" | "triggers" | "idempotentTriggers";

const aggregateNames = ["aggregateByScore", "aggregateScoreByUser"] as const;

/** A mounted component; its type is what its users take it for. */
function component(name: string): never {
  return componentsGeneric()[name] as never;
}

function makeAggregates(kit: Kit) {
  type ByScore = { Key: number; DataModel: DataModel; TableName: "leaderboard" };
  type ByUser = { Key: [string, number]; DataModel: DataModel; TableName: "leaderboard" };
  const byScore = new kit.TableAggregate<ByScore>(component("aggregateByScore"), {
    sortKey: (doc) => -doc.score,
  });
  const byUser = new kit.TableAggregate<ByUser>(component("aggregateScoreByUser"), {
    sortKey: (doc) => [doc.name, doc.score],
    sumValue: (doc) => doc.score,
  });
  return { byScore, byUser, both: [byScore, byUser] as const };
}

type Aggregates = ReturnType<typeof makeAggregates>;

/** What each write of this version does to the aggregates. */
function follow({ both }: Aggregates, version: Version) {
  return async (ctx: Ctx, oldDoc: Entry | null, newDoc: Entry | null): Promise<void> => {
    for (const aggregate of both) {
      if (version === "regular") {
        if (oldDoc !== null && newDoc !== null) await aggregate.replace(ctx, oldDoc, newDoc);
        else if (newDoc !== null) await aggregate.insert(ctx, newDoc);
        else if (oldDoc !== null) await aggregate.delete(ctx, oldDoc);
      } else if (version === "idempotent") {
        if (oldDoc !== null && newDoc !== null) await aggregate.replaceOrInsert(ctx, oldDoc, newDoc);
        else if (newDoc !== null) await aggregate.insertIfDoesNotExist(ctx, newDoc);
        else if (oldDoc !== null) await aggregate.deleteIfExists(ctx, oldDoc);
      }
    }
  };
}

function writes(kit: Kit, aggregates: Aggregates, version: Version): ModuleSource {
  const triggers = new kit.Triggers<DataModel>();
  for (const aggregate of aggregates.both) {
    const trigger = version === "triggers" ? aggregate.trigger() : aggregate.idempotentTrigger();
    triggers.register("leaderboard", trigger);
  }
  const usesTriggers = version === "triggers" || version === "idempotentTriggers";
  const wrapped = customMutation(mutationGeneric, customCtx(triggers.wrapDB));
  const mutation = usesTriggers ? (wrapped as unknown as typeof mutationGeneric) : mutationGeneric;
  const followed = follow(aggregates, version);
  return {
    ...(usesTriggers ? { triggers } : {}),
    addScore: mutation({
      args: { name: v.string(), score: v.number() },
      returns: v.id("leaderboard"),
      handler: async (ctx: Ctx, args: { name: string; score: number }) => {
        const id = await ctx.db.insert("leaderboard", args);
        await followed(ctx, null, await ctx.db.get(id));
        return id;
      },
    }),
    updateScore: mutation({
      args: { id: v.id("leaderboard"), score: v.number() },
      handler: async (ctx: Ctx, { id, score }: { id: Entry["_id"]; score: number }) => {
        const oldDoc = await ctx.db.get(id);
        await ctx.db.patch(id, { score });
        await followed(ctx, oldDoc, await ctx.db.get(id));
      },
    }),
    removeScore: mutation({
      args: { id: v.id("leaderboard") },
      handler: async (ctx: Ctx, { id }: { id: Entry["_id"] }) => {
        const oldDoc = await ctx.db.get(id);
        await ctx.db.delete(id);
        await followed(ctx, oldDoc, null);
      },
    }),
    importUnnoticed: internalMutationGeneric({
      args: { name: v.string(), score: v.number() },
      handler: ({ db }, entry) => db.insert("leaderboard", entry),
    }),
    removeUnnoticed: internalMutationGeneric(async ({ db }: Ctx) => {
      const first = await db.query("leaderboard").first();
      if (first !== null) await db.delete(first._id);
    }),
  };
}

function backfill(kit: Kit, { both }: Aggregates): ModuleSource {
  const migrations = new kit.Migrations<DataModel>(component("migrations"));
  const backfillAggregates = fn<"mutation">("backfill:backfillAggregatesMigration") as never;
  return {
    backfillAggregatesMigration: migrations.define({
      table: "leaderboard",
      batchSize: 20,
      migrateOne: async (ctx: Ctx, doc: Entry) => {
        for (const aggregate of both) await aggregate.insertIfDoesNotExist(ctx, doc);
      },
    }),
    runAggregateBackfill: migrations.runner(backfillAggregates),
    run: migrations.runner(),
    cancel: internalMutationGeneric((ctx) => migrations.cancel(ctx, backfillAggregates)),
    status: queryGeneric((ctx) => migrations.getStatus(ctx, {})),
    clear: internalMutationGeneric(async (ctx: Ctx) => {
      for (const aggregate of both) await aggregate.clear(ctx);
    }),
  };
}

/** Inserts what is missing and deletes what has no document, each by its own key. */
function repair(kit: Kit, { both }: Aggregates): ModuleSource {
  const direct = aggregateNames.map(
    (name) => new kit.DirectAggregate<{ Key: number | [string, number]; Id: string }>(component(name)),
  );
  return {
    byDiff: internalMutationGeneric(async (ctx: Ctx) => {
      const docs = new Map<string, Entry>();
      for await (const doc of ctx.db.query("leaderboard")) docs.set(doc._id, doc);
      for (const [i, aggregate] of both.entries()) {
        const known = new Map<string, number | [string, number]>();
        for await (const item of aggregate.iter(ctx)) known.set(item.id, item.key);
        for (const [id, key] of known) {
          if (!docs.has(id)) await direct[i]?.deleteIfExists(ctx, { key, id });
        }
        for (const [id, doc] of docs) {
          if (!known.has(id)) await aggregate.insertIfDoesNotExist(ctx, doc);
        }
      }
    }),
  };
}

function reads({ byScore, byUser }: Aggregates): ModuleSource {
  return {
    count: queryGeneric((ctx) => byScore.count(ctx)),
    countAbove: queryGeneric({
      args: { score: v.number() },
      handler: (ctx, { score }) =>
        byScore.count(ctx, { bounds: { upper: { key: -score, inclusive: false } } }),
    }),
    sumOf: queryGeneric({
      args: { name: v.string() },
      handler: (ctx, { name }) => byUser.sum(ctx, { bounds: { prefix: [name] } }),
    }),
    scoreAtRank: queryGeneric({
      args: { rank: v.number() },
      handler: async (ctx, { rank }) => -(await byScore.at(ctx, rank)).key,
    }),
    rankOfScore: queryGeneric({
      args: { score: v.number() },
      handler: (ctx, { score }) => byScore.indexOf(ctx, -score),
    }),
    best: queryGeneric(async (ctx) => -((await byScore.min(ctx))?.key ?? NaN)),
    page: queryGeneric({
      args: { cursor: v.optional(v.string()) },
      handler: async (ctx, { cursor }) => {
        const options = cursor === undefined ? { pageSize: 7 } : { pageSize: 7, cursor };
        const { page, cursor: next, isDone } = await byScore.paginate(ctx, options);
        return { scores: page.map((item) => -item.key), next, isDone };
      },
    }),
    all: queryGeneric(async ({ db }) => await db.query("leaderboard").collect()),
  };
}

/** The modules of one version of the app. */
export function leaderboard(kit: Kit, version: Version): Record<string, ModuleSource> {
  const aggregates = makeAggregates(kit);
  return {
    schema: { default: schema },
    writes: writes(kit, aggregates, version),
    backfill: backfill(kit, aggregates),
    repair: repair(kit, aggregates),
    reads: reads(aggregates),
  };
}

/** Where a version's components have their code. */
export function components(kit: Kit) {
  const { aggregate, migrations } = kit.components;
  return { aggregateByScore: aggregate, aggregateScoreByUser: aggregate, migrations };
}
