/**
 * The app whose table gets an aggregate after it was filled: by this package's declaration, which the engine builds, or by the
 * published class, whose items a migration of the published package inserts, as its documentation says.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { TableAggregate as PublishedAggregate } from "@convex-dev/aggregate";
import { Migrations as PublishedMigrations, runToCompletion } from "@convex-dev/migrations";
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericActionCtx,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";
import { TableAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import { componentFrom, type App } from "../harness/hosts.js";
import { Random } from "../harness/random.js";

export type Builder = "trueup" | "published";

const schema = defineSchema({ scores: defineTable({ player: v.string(), score: v.number() }) });
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type MutationCtx = GenericMutationCtx<DataModel>;
type QueryCtx = GenericQueryCtx<DataModel>;
type Types = { Key: number; DataModel: DataModel; TableName: "scores" };

/** The name of the aggregate, of its component and of its export. */
export const board = "board";
const components = componentsGeneric() as unknown as { board: ComponentApi; migrations: never };
const definition = {
  table: "scores",
  sortKey: ({ score }: { score: number }) => score,
  sumValue: ({ score }: { score: number }) => score,
} as const;

const scoreEnd = 1_000_000_000;

/** The same scores for each peer, in random order. They are whole, because sums of others make the published component throw. */
export function scoresOf(count: number): number[] {
  const random = new Random(count);
  return Array.from({ length: count }, () => random.below(scoreEnd));
}

export function playerOf(index: number): string {
  return `player ${index}`;
}

/** The app before it has an aggregate, which fills its table. */
export function plainApp(): App {
  return { schema, components: {}, modules: { bench: { add } } };
}

/** The app with an aggregate; the engine builds this package's, `bench:backfill` the published one. */
export async function appWith(builder: Builder): Promise<App> {
  return builder === "trueup" ? await ourApp() : await publishedApp();
}

const add = mutationGeneric({
  args: { scores: v.array(v.number()), from: v.number() },
  handler: async (ctx: MutationCtx, { scores, from }: { scores: number[]; from: number }) => {
    for (const [index, score] of scores.entries()) {
      await ctx.db.insert("scores", { player: playerOf(from + index), score });
    }
  },
});

async function ourApp(): Promise<App> {
  const aggregate = new TableAggregate<Types>(components.board, definition);
  return {
    schema,
    components: { [board]: await published("trueup/aggregate/convex.config") },
    modules: { bench: { add, [board]: aggregate, ...questions(aggregate) } },
  };
}

async function publishedApp(): Promise<App> {
  const aggregate = new PublishedAggregate<Types>(components.board as never, definition);
  const migrations = new PublishedMigrations<DataModel>(components.migrations);
  return {
    schema,
    components: {
      [board]: await published("@convex-dev/aggregate/convex.config"),
      migrations: await published("@convex-dev/migrations/convex.config"),
    },
    modules: {
      bench: {
        add,
        insertItems: migrations.define({
          table: "scores",
          migrateOne: async (ctx, score) => await aggregate.insertIfDoesNotExist(ctx, score),
        }),
        backfill: actionGeneric({
          args: {},
          handler: async (ctx: GenericActionCtx<DataModel>) => {
            await runToCompletion(ctx, components.migrations, anyApi["bench"]?.["insertItems"] as never);
          },
        }),
        ...questions(aggregate),
      },
    },
  };
}

function published(config: string): ReturnType<typeof componentFrom> {
  return componentFrom(dirname(fileURLToPath(import.meta.resolve(config))));
}

/** What both classes answer. */
interface Asked {
  count(ctx: QueryCtx, ...args: [{ bounds: ScoreBounds }?]): Promise<number>;
  indexOf(ctx: QueryCtx, key: number): Promise<number>;
}

interface ScoreBounds {
  readonly lower: { readonly key: number; readonly inclusive: true };
  readonly upper: { readonly key: number; readonly inclusive: false };
}

function questions(aggregate: Asked): Record<string, unknown> {
  return {
    count: queryGeneric({ args: {}, handler: (ctx: QueryCtx) => aggregate.count(ctx) }),
    countBetween: queryGeneric({
      args: { lower: v.number(), upper: v.number() },
      handler: (ctx: QueryCtx, { lower, upper }: { lower: number; upper: number }) =>
        aggregate.count(ctx, {
          bounds: { lower: { key: lower, inclusive: true }, upper: { key: upper, inclusive: false } },
        }),
    }),
    rank: queryGeneric({
      args: { score: v.number() },
      handler: (ctx: QueryCtx, { score }: { score: number }) => aggregate.indexOf(ctx, score),
    }),
  };
}
