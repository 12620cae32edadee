/**
 * The app that is measured: an aggregate of items in a mounted component, and functions that write one item or many and
 * answer one question or many. It is written once; which library's class and component it uses is a parameter.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { DirectAggregate as PublishedAggregate } from "@convex-dev/aggregate";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type GenericMutationCtx,
  type GenericDataModel,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";
import { DirectAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import { componentFrom, type App } from "../harness/hosts.js";
import { pageSize, percentileOffset, type BenchItem, type Question } from "./items.js";
import { loaderFunctions, loaderModule } from "./stored-tree.js";

export const libraryNames = ["trueup", "published"] as const;
export type LibraryName = (typeof libraryNames)[number];

type Counted = DirectAggregate<{ Key: number; Id: string }>;
type QueryCtx = GenericQueryCtx<GenericDataModel>;
type MutationCtx = GenericMutationCtx<GenericDataModel>;

const component = (componentsGeneric() as unknown as { aggregate: ComponentApi }).aggregate;

interface Library {
  readonly config: string;
  readonly open: () => Counted;
  /** Questions for which the other library has no single call. */
  readonly percentile: (aggregate: Counted, ctx: QueryCtx, percent: number) => Promise<number>;
  readonly page: (aggregate: Counted, ctx: QueryCtx, offset: number) => Promise<Keyed[]>;
}

interface Keyed {
  readonly key: number;
}

const libraries: Readonly<Record<LibraryName, Library>> = {
  trueup: {
    config: "trueup/aggregate/convex.config",
    open: () => new DirectAggregate(component),
    percentile: async (aggregate, ctx, percent) =>
      (await aggregate.percentile(ctx, percent))?.key ?? Number.NaN,
    page: async (aggregate, ctx, offset) =>
      (await aggregate.paginate(ctx, { offset, pageSize: pageSize })).page,
  },
  published: {
    config: "@convex-dev/aggregate/convex.config",
    // The methods that are used here take and give the same.
    open: () => new PublishedAggregate(component as never) as unknown as Counted,
    percentile: async (aggregate, ctx, percent) => {
      const offset = percentileOffset(await aggregate.count(ctx), percent);
      return (await aggregate.at(ctx, offset)).key;
    },
    page: async (aggregate, ctx, offset) => {
      const { key, id } = await aggregate.at(ctx, offset);
      const bounds = { lower: { key, id, inclusive: true } };
      return (await aggregate.paginate(ctx, { bounds, pageSize: pageSize })).page;
    },
  },
};

/** The app with one library's aggregate in it. */
export async function aggregateApp(library: LibraryName): Promise<App> {
  const { config } = libraries[library];
  const folder = dirname(fileURLToPath(import.meta.resolve(config)));
  return {
    schema,
    modules: { bench: functionsOf(libraries[library]), loader: loaderFunctions },
    components: { aggregate: await componentFrom(folder, { loader: loaderModule }) },
  };
}

const item = v.object({ key: v.number(), id: v.string(), sumValue: v.number() });

const schema = defineSchema({
  scores: defineTable({ player: v.string(), score: v.number() }).index("by_score", ["score"]),
});

function functionsOf(library: Library): Record<string, unknown> {
  const aggregate = library.open();
  return {
    insert: mutationGeneric({
      args: { items: v.array(item) },
      handler: async (ctx: MutationCtx, { items }: { items: BenchItem[] }) => {
        for (const each of items) await aggregate.insert(ctx, each);
      },
    }),
    /** Writes in one batch, which the published class does not have. */
    fill: mutationGeneric({
      args: { items: v.array(item) },
      handler: async (ctx: MutationCtx, { items }: { items: BenchItem[] }) => {
        await aggregate.writeBatch(
          ctx,
          items.map((each) => ({ type: "insert", ...each })),
        );
      },
    }),
    replace: mutationGeneric({
      args: { from: item, to: item },
      handler: async (ctx: MutationCtx, { from, to }: { from: BenchItem; to: BenchItem }) => {
        await aggregate.replace(ctx, { key: from.key, id: from.id }, { key: to.key, sumValue: to.sumValue });
      },
    }),
    remove: mutationGeneric({
      args: { items: v.array(item) },
      handler: async (ctx: MutationCtx, { items }: { items: BenchItem[] }) => {
        for (const { key, id } of items) await aggregate.delete(ctx, { key, id });
      },
    }),
    answer: queryGeneric({
      args: { questions: v.array(v.any()) },
      handler: async (ctx: QueryCtx, { questions }: { questions: Question[] }) => {
        const answers = [];
        for (const question of questions) answers.push(await answer(library, aggregate, ctx, question));
        return answers;
      },
    }),
    totals: queryGeneric({
      args: {},
      handler: async (ctx: QueryCtx) => ({
        count: await aggregate.count(ctx),
        sum: await aggregate.sum(ctx),
      }),
    }),
    insertScore: mutationGeneric({
      args: { player: v.string(), score: v.number() },
      handler: async (ctx: MutationCtx, score: { player: string; score: number }) => {
        await ctx.db.insert("scores", score);
      },
    }),
    countScores: queryGeneric({
      args: {},
      handler: async (ctx: QueryCtx) => (await ctx.db.query("scores").withIndex("by_score").collect()).length,
    }),
  };
}

async function answer(
  library: Library,
  aggregate: Counted,
  ctx: QueryCtx,
  question: Question,
): Promise<number> {
  switch (question.type) {
    case "count":
      return aggregate.count(ctx, { bounds: boundsOf(question) });
    case "sum":
      return aggregate.sum(ctx, { bounds: boundsOf(question) });
    case "at":
      return (await aggregate.at(ctx, question.offset)).key;
    case "indexOf":
      return aggregate.indexOf(ctx, question.key);
    case "percentile":
      return library.percentile(aggregate, ctx, question.percent);
    case "page": {
      const page = await library.page(aggregate, ctx, question.offset);
      return page.reduce((sum, found) => sum + found.key, 0);
    }
  }
}

function boundsOf({ lower, upper }: { lower: number; upper: number }) {
  return { lower: { key: lower, inclusive: true }, upper: { key: upper, inclusive: false } };
}
