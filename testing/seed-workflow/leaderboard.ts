/**
 * The leaderboard of the seeds, in the versions that the workflow deploys one after another: without
 * aggregates, with idempotent writes and a backfill, with regular writes, with triggers.
 */
import {
  anyApi,
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
import type { Kit } from "./kits.js";

export const schema = defineSchema({
  leaderboard: defineTable({ name: v.string(), score: v.number() }).index("by_score", ["score"]),
});

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Ctx = GenericMutationCtx<DataModel>;
type Entry = DataModel["leaderboard"]["document"];
type Id = Entry["_id"];

export type Version = "plain" | "idempotent" | "regular" | "triggers" | "idempotentTriggers";

const components: any = componentsGeneric();
const internal: any = anyApi;

/** The modules of one version. */
export function leaderboard(kit: Kit, version: Version) {
  const byScore = new kit.TableAggregate<{ Key: number; DataModel: DataModel; TableName: "leaderboard" }>(
    components.aggregateByScore,
    { sortKey: (doc) => -doc.score },
  );
  const scoreByUser = new kit.TableAggregate<{
    Key: [string, number];
    DataModel: DataModel;
    TableName: "leaderboard";
  }>(components.aggregateScoreByUser, {
    sortKey: (doc) => [doc.name, doc.score],
    sumValue: (doc) => doc.score,
  });
  const both = [byScore, scoreByUser] as const;
  const direct = [components.aggregateByScore, components.aggregateScoreByUser].map(
    (component) => new kit.DirectAggregate<{ Key: any; Id: string }>(component),
  );

  const triggers = new kit.Triggers<DataModel>();
  for (const aggregate of both) {
    const trigger: any = version === "triggers" ? aggregate.trigger() : aggregate.idempotentTrigger();
    triggers.register("leaderboard", trigger);
  }
  const usesTriggers = version === "triggers" || version === "idempotentTriggers";
  const mutation: any = usesTriggers
    ? customMutation(mutationGeneric, customCtx(triggers.wrapDB as any))
    : mutationGeneric;

  const written = async (ctx: Ctx, oldDoc: Entry | null, newDoc: Entry | null): Promise<void> => {
    for (const aggregate of both) {
      if (version === "regular") {
        if (oldDoc === null) await aggregate.insert(ctx, newDoc!);
        else if (newDoc === null) await aggregate.delete(ctx, oldDoc);
        else await aggregate.replace(ctx, oldDoc, newDoc);
      } else if (version === "idempotent") {
        if (oldDoc === null) await aggregate.insertIfDoesNotExist(ctx, newDoc!);
        else if (newDoc === null) await aggregate.deleteIfExists(ctx, oldDoc);
        else await aggregate.replaceOrInsert(ctx, oldDoc, newDoc);
      }
    }
  };

  const migrations: any = new (kit.Migrations as any)(components.migrations, {
    internalMutation: internalMutationGeneric,
  });
  const backfill = migrations.define({
    table: "leaderboard",
    batchSize: 20,
    migrateOne: async (ctx: Ctx, doc: Entry) => {
      await byScore.insertIfDoesNotExist(ctx, doc);
      await scoreByUser.insertIfDoesNotExist(ctx, doc);
    },
  });

  return {
    schema: { default: schema },
    leaderboard: {
      ...(usesTriggers ? { triggers } : {}),
      addScore: mutation({
        args: { name: v.string(), score: v.number() },
        returns: v.id("leaderboard"),
        handler: async (ctx: Ctx, args: { name: string; score: number }) => {
          const id = await ctx.db.insert("leaderboard", args);
          await written(ctx, null, await ctx.db.get(id));
          return id;
        },
      }),
      updateScore: mutation({
        args: { id: v.id("leaderboard"), score: v.number() },
        handler: async (ctx: Ctx, { id, score }: { id: Id; score: number }) => {
          const oldDoc = await ctx.db.get(id);
          await ctx.db.patch(id, { score });
          await written(ctx, oldDoc, await ctx.db.get(id));
        },
      }),
      removeScore: mutation({
        args: { id: v.id("leaderboard") },
        handler: async (ctx: Ctx, { id }: { id: Id }) => {
          const oldDoc = await ctx.db.get(id);
          await ctx.db.delete(id);
          await written(ctx, oldDoc, null);
        },
      }),
      backfillAggregatesMigration: backfill,
      runAggregateBackfill: migrations.runner(internal.leaderboard.backfillAggregatesMigration),
      run: migrations.runner(),
      cancelBackfill: internalMutationGeneric((ctx) =>
        migrations.cancel(ctx, internal.leaderboard.backfillAggregatesMigration),
      ),
      status: queryGeneric((ctx) => migrations.getStatus(ctx, {})),
      count: queryGeneric((ctx) => byScore.count(ctx)),
      countAbove: queryGeneric((ctx, { score }: any) =>
        byScore.count(ctx, { bounds: { upper: { key: -score, inclusive: false } } }),
      ),
      sumOf: queryGeneric((ctx, { name }: any) => scoreByUser.sum(ctx, { bounds: { prefix: [name] } })),
      scoreAtRank: queryGeneric(async (ctx, { rank }: any) => -(await byScore.at(ctx, rank)).key),
      rankOfScore: queryGeneric((ctx, { score }: any) => byScore.indexOf(ctx, -score)),
      best: queryGeneric(async (ctx) => -((await byScore.min(ctx))?.key ?? NaN)),
      pageOfScores: queryGeneric(async (ctx, { cursor }: any) => {
        const { page, cursor: next, isDone } = await byScore.paginate(ctx, { pageSize: 7, cursor });
        return { scores: page.map((item) => -item.key), next, isDone };
      }),
      clear: internalMutationGeneric(async (ctx) => {
        for (const aggregate of both) await aggregate.clear(ctx);
      }),
      repairByDiff: internalMutationGeneric(async (ctx) => {
        const docs = new Map(
          (await ctx.db.query("leaderboard").collect()).map((doc) => [doc._id, doc as any]),
        );
        for (const [i, aggregate] of both.entries()) {
          const known = new Map<string, unknown>();
          for await (const item of aggregate.iter(ctx)) known.set(item.id, item.key);
          for (const [id, key] of known) {
            if (!docs.has(id as never)) await direct[i]?.deleteIfExists(ctx, { key, id });
          }
          for (const [id, doc] of docs) {
            if (!known.has(id)) await aggregate.insertIfDoesNotExist(ctx, doc);
          }
        }
      }),
      all: queryGeneric(async ({ db }) =>
        (await db.query("leaderboard").collect()).map(({ _id, name, score }) => ({ _id, name, score })),
      ),
      importUnnoticed: internalMutationGeneric(async ({ db }, { name, score }: any) => {
        await db.insert("leaderboard", { name, score });
      }),
      removeUnnoticed: internalMutationGeneric(async ({ db }) => {
        const first = await db.query("leaderboard").first();
        if (first !== null) await db.delete(first._id);
      }),
    },
  };
}
