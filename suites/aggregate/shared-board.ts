/**
 * An app with an aggregate of a table, opened several times on one storage, as several processes would. Its query `compare` holds
 * every answer of the aggregate against the table, in one snapshot.
 */
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
import type { Backend, OpenStorage } from "trueup";
import { TableAggregate, type TableAggregateOptions } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import { expect } from "vitest";
import { call, openApp } from "../setup/open-app.js";

const fields = { game: v.string(), score: v.number() };
const schema = defineSchema({ scores: defineTable(fields) });
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type Ctx = GenericMutationCtx<DataModel>;
type QueryCtx = GenericQueryCtx<DataModel>;

interface ByGame {
  Key: number;
  DataModel: DataModel;
  TableName: "scores";
  Namespace: string;
}

export type BoardOptions = Partial<TableAggregateOptions<ByGame>> & {
  /** Whether scheduled functions and the work on aggregates run in this opening. */
  readonly runScheduled?: boolean;
};

const { board } = componentsGeneric() as unknown as { board: ComponentApi };
const games = ["chess", "go", "shogi"] as const;

/** Opens the app, which is closed after the test. */
export async function openBoard(
  storage: OpenStorage,
  { runScheduled = false, ...options }: BoardOptions = {},
): Promise<Backend> {
  const aggregate = new TableAggregate<ByGame>(board, {
    table: "scores",
    namespace: ({ game }) => game,
    sortKey: ({ score }) => score,
    sumValue: ({ score }) => score,
    ...options,
  });
  const id = v.id("scores");
  const functions = {
    insert: mutationGeneric({ args: fields, handler: (ctx: Ctx, args) => ctx.db.insert("scores", args) }),
    patch: mutationGeneric({
      args: { id, score: v.number() },
      handler: (ctx: Ctx, args) => ctx.db.patch("scores", args.id, { score: args.score }),
    }),
    remove: mutationGeneric({ args: { id }, handler: (ctx: Ctx, args) => ctx.db.delete("scores", args.id) }),
    insertMany: mutationGeneric({
      args: { count: v.number() },
      handler: async (ctx: Ctx, { count }) => {
        for (let score = 0; score < count; score++) await ctx.db.insert("scores", { game: "go", score });
      },
    }),
    rebuild: mutationGeneric((ctx: Ctx) => aggregate.clearAll(ctx)),
    ids: queryGeneric(async (ctx: QueryCtx) =>
      (await ctx.db.query("scores").collect()).map(({ _id }) => _id),
    ),
    compare: queryGeneric((ctx: QueryCtx) => differences(ctx, aggregate)),
    queue: queryGeneric((ctx: QueryCtx) => ctx.runQuery(board.queue.status, {})),
    trees: queryGeneric((ctx: QueryCtx) => ctx.runQuery(board.inspect.listTrees, {})),
  };
  return await openApp(storage, {
    runScheduled,
    schema,
    modules: { board: { aggregate, ...functions } },
    components: { board: aggregateTest },
  });
}

/** What the aggregate says that the table does not. */
async function differences(ctx: QueryCtx, aggregate: TableAggregate<ByGame>): Promise<string[]> {
  const found: string[] = [];
  const check = (what: string, actual: unknown, truth: unknown): void => {
    if (JSON.stringify(actual) !== JSON.stringify(truth)) {
      found.push(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(truth)}`);
    }
  };
  const docs = await ctx.db.query("scores").collect();
  for (const namespace of games) {
    const items = docs
      .filter(({ game }) => game === namespace)
      .map(({ _id, score }) => ({ key: score, id: _id, sumValue: score }))
      .toSorted((a, b) => a.key - b.key || (a.id < b.id ? -1 : 1));
    const middle = items[items.length >> 1];
    const rank = items.filter(({ key }) => key < (middle?.key ?? 0)).length;
    const sum = items.reduce((total, { sumValue }) => total + sumValue, 0);
    check(`count of ${namespace}`, await aggregate.count(ctx, { namespace }), items.length);
    check(`sum of ${namespace}`, await aggregate.sum(ctx, { namespace }), sum);
    const { page } = await aggregate.paginate(ctx, { namespace, pageSize: 100_000 });
    check(`items of ${namespace}`, page, items);
    if (middle === undefined) continue;
    check(`rank in ${namespace}`, await aggregate.indexOf(ctx, middle.key, { namespace }), rank);
    check(`item of ${namespace}`, await aggregate.at(ctx, items.length >> 1, { namespace }), middle);
  }
  return found;
}

/** Every answer of the aggregate is what the table says, in one snapshot of this opening. */
export async function expectExact(app: Backend): Promise<void> {
  expect(await call(app, "board:compare")).toEqual([]);
}

/** How many operations wait, up to some. */
export async function waitingIn(app: Backend): Promise<number> {
  const { pendingOperations } = (await call(app, "board:queue")) as { pendingOperations: number };
  return pendingOperations;
}

/** Resolves when the worker has brought everything into the trees. */
export async function whenFolded(app: Backend): Promise<void> {
  await expect.poll(() => waitingIn(app)).toBe(0);
}

/** How many transactions of these openings were refused so far. */
export async function refusedIn(apps: readonly Backend[]): Promise<number> {
  const figures = await Promise.all(apps.map((app) => app.figures()));
  return figures.reduce((total, { conflicts }) => total + conflicts, 0);
}

/** Writes documents of its own, each in a mutation, one after the other. */
export class Writer {
  app: Backend;
  readonly #random: () => number;
  /** The documents that it was told it has. */
  readonly documents: GenericId<"scores">[] = [];

  constructor(app: Backend, random: () => number) {
    this.app = app;
    this.#random = random;
  }

  async write(): Promise<void> {
    const chance = this.#random();
    const score = Math.floor(this.#random() * 1000);
    const game = games[Math.floor(this.#random() * games.length)];
    const index = Math.floor(this.#random() * this.documents.length);
    const id = this.documents[index];
    if (chance < 0.6 || id === undefined) {
      this.documents.push((await call(this.app, "board:insert", { game, score })) as GenericId<"scores">);
    } else if (chance < 0.85) await call(this.app, "board:patch", { id, score });
    else {
      this.documents.splice(index, 1);
      await call(this.app, "board:remove", { id });
    }
  }
}
