/**
 * Opens managed aggregates over a host's table `scores`: every class that is declared follows each write through `Board.insert`,
 * `patch` and `delete`. Also computes the truth from the table.
 */
import type { GenericId } from "convex/values";
import {
  managedAggregate,
  TableAggregate,
  type AggregateState,
  type ManagedAggregate,
  type TableAggregateOptions,
} from "trueup/aggregate";
import { Triggers } from "trueup/triggers";
import { expect } from "vitest";
import { aggregateComponent, type AggregateHost, type HostCtx, type HostDataModel } from "./hosts.js";

export interface ByGame {
  Key: number;
  DataModel: HostDataModel;
  TableName: "scores";
  Namespace: string;
}

export type BoardAggregate = TableAggregate<ByGame>;
type Score = HostDataModel["scores"]["document"];

/** Declares an aggregate of the scores, by game. */
export function declare(options: Partial<TableAggregateOptions<ByGame>> = {}): BoardAggregate {
  return new TableAggregate<ByGame>(aggregateComponent, {
    table: "scores",
    namespace: (doc) => doc.game,
    sortKey: (doc) => doc.score,
    sumValue: (doc) => doc.score,
    ...options,
  });
}

export function managementOf(aggregate: BoardAggregate): ManagedAggregate {
  const managed = aggregate[managedAggregate];
  if (managed === undefined) throw new Error("the aggregate names no table");
  return managed;
}

/** A host whose writes are followed by all that is `followed` at the time. */
export class Board {
  readonly host: AggregateHost;
  followed: BoardAggregate[] = [];

  constructor(host: AggregateHost) {
    this.host = host;
  }

  /** Writes that nobody follows: those from before an aggregate was declared. */
  async fill(count: number, game = "chess"): Promise<void> {
    await this.host.run(async (ctx) => {
      for (let index = 0; index < count; index++) {
        await ctx.db.insert("scores", { player: `p${index}`, game, score: (index * 7919) % 10_007 });
      }
    });
  }

  /** Runs code whose writes are followed. */
  write<T>(body: (ctx: HostCtx) => Promise<T>): Promise<T> {
    const triggers = new Triggers<HostDataModel>();
    for (const aggregate of this.followed) triggers.register("scores", aggregate.trigger());
    return this.host.run((ctx) => body(triggers.wrapDB(ctx)));
  }

  insert(score: number, game = "chess"): Promise<GenericId<"scores">> {
    return this.write((ctx) => ctx.db.insert("scores", { player: "p", game, score }));
  }

  /** One step of whatever is due. */
  step(aggregate: BoardAggregate): Promise<{ due: boolean; state: AggregateState; hasFailed: boolean }> {
    return this.host.run((ctx) => managementOf(aggregate).advance(ctx));
  }

  /** Steps until nothing is due, or the build has failed. */
  async settle(aggregate: BoardAggregate): Promise<AggregateState> {
    for (;;) {
      const { due, state, hasFailed } = await this.step(aggregate);
      if (!due || hasFailed) return state;
    }
  }

  /** Declares an aggregate as the one that runs, and builds it. */
  async build(aggregate: BoardAggregate): Promise<void> {
    this.followed = [aggregate];
    await this.host.run((ctx) => managementOf(aggregate).begin(ctx));
    const state = await this.settle(aggregate);
    if (state !== "ready") throw new Error(`the aggregate is ${state}`);
  }

  /** The generations that have trees, and how many nodes there are in all. */
  stored(): Promise<{ generations: number[]; nodes: number }> {
    return this.host.run(async (ctx) => {
      const trees = await ctx.runQuery(aggregateComponent.inspect.listTrees, { take: 1000 });
      const nodes = await ctx.runQuery(aggregateComponent.inspect.listNodes, { take: 10_000 });
      const generations = new Set(trees.map(({ generation = 0 }: { generation?: number }) => generation));
      return { generations: [...generations].toSorted((a, b) => a - b), nodes: nodes.length };
    });
  }
}

/** Compares an aggregate with the table, and its trees with themselves. */
export async function expectExact(
  { host }: Board,
  aggregate: BoardAggregate,
  keyOf = (doc: Score): number => doc.score,
): Promise<void> {
  await host.run(async (ctx) => {
    const docs = await ctx.db.query("scores").collect();
    const games = [...new Set(docs.map(({ game }) => game))].toSorted();
    for (const game of [...games, "no such game"]) {
      const expected = docs
        .filter((doc) => doc.game === game)
        .map((doc) => ({ key: keyOf(doc), id: doc._id, sumValue: doc.score }))
        .toSorted((a, b) => a.key - b.key || (a.id < b.id ? -1 : 1));
      const found = [];
      for await (const item of aggregate.iter(ctx, { namespace: game, pageSize: 1000 })) found.push(item);
      expect(found).toEqual(expected);
      expect(await aggregate.count(ctx, { namespace: game })).toBe(expected.length);
      const sum = expected.reduce((total, { sumValue }) => total + sumValue, 0);
      expect(await aggregate.sum(ctx, { namespace: game })).toBe(sum);
      const { definition } = managementOf(aggregate);
      const args = { namespace: game, definition, leaves: 10_000 };
      expect((await ctx.runQuery(aggregateComponent.inspect.validate, args)).problems).toEqual([]);
    }
  });
}
