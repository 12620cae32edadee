/** Where no engine drives a managed aggregate, triggers follow writes, and its operations build, check and mend it. */
import {
  actionGeneric,
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericActionCtx,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { TableAggregate, type VerifyReport } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import { register } from "trueup/aggregate/test";
import { Triggers } from "trueup/triggers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({ scores: defineTable({ score: v.number() }) });
type DataModel = DataModelFromSchemaDefinition<typeof schema>;

const components = componentsGeneric() as unknown as { byScore: ComponentApi<"byScore"> };
const byScore = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "scores" }>(
  components.byScore,
  { table: "scores", sortKey: (doc) => doc.score, sumValue: (doc) => doc.score },
);
const triggers = new Triggers<DataModel>();
triggers.register("scores", byScore.trigger());

const whileBuilding = v.optional(v.union(v.literal("throw"), v.literal("wait")));
type Reading = { whileBuilding?: "throw" | "wait" | undefined };

const modules = {
  aggregates: { ...byScore.operations("aggregates") },
  board: {
    add: mutationGeneric({
      args: { score: v.number() },
      handler: (ctx: GenericMutationCtx<DataModel>, { score }) =>
        triggers.wrapDB(ctx).db.insert("scores", { score }),
    }),
    /** Writes without telling the aggregate, as before it was declared or from outside. */
    addUnseen: internalMutationGeneric({
      args: { count: v.number() },
      handler: async (ctx: GenericMutationCtx<DataModel>, { count }) => {
        for (let score = 0; score < count; score++) await ctx.db.insert("scores", { score });
      },
    }),
    count: queryGeneric({
      args: { whileBuilding },
      handler: (ctx: GenericQueryCtx<DataModel>, reading: Reading) => byScore.count(ctx, reading),
    }),
    countPatiently: actionGeneric({
      args: {},
      handler: (ctx: GenericActionCtx<DataModel>) => byScore.count(ctx, { whileBuilding: "wait" }),
    }),
    startOver: mutationGeneric({
      args: {},
      handler: (ctx: GenericMutationCtx<DataModel>) => byScore.clearAll(ctx),
    }),
    countAtOnce: mutationGeneric({
      args: {},
      handler: (ctx: GenericMutationCtx<DataModel>) => byScore.count(ctx, { whileBuilding: "wait" }),
    }),
  },
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function dataOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof ConvexError ? { ...(error.data as object) } : { error };
}

describe.each(engines)("a managed aggregate on %s", (_name, open) => {
  async function newBoard(count: number) {
    const t = open({ schema, modules });
    register(t, "byScore");
    await t.mutation(fn<"mutation">("board:addUnseen"), { count });
    return {
      add: (score: number) => t.mutation(fn<"mutation">("board:add"), { score }),
      addUnseen: (more: number) => t.mutation(fn<"mutation">("board:addUnseen"), { count: more }),
      call: (name: string) => t.mutation(fn<"mutation">(name), {}),
      ask: (name: string, args = {}) => t.query(fn<"query">(name), args),
      act: (name: string) => t.action(fn<"action">(name), {}),
      drain: () => t.finishAllScheduledFunctions(vi.runAllTimers),
    };
  }

  test("is built by the first write that it follows, without another deploy", async () => {
    const board = await newBoard(200);
    await board.add(1000);
    expect(await dataOf(board.ask("board:count"))).toMatchObject({ code: "AGGREGATE_BUILDING" });
    await board.add(1001);
    await board.drain();
    expect(await board.ask("board:count")).toBe(202);
    await board.add(1002);
    expect(await board.ask("board:count")).toBe(203);
    expect(await board.ask("aggregates:status")).toMatchObject({
      state: "ready",
      sum: 19_900 + 3003,
      drift: 0,
    });
  });

  test("is built by a call of advance, too, and clears what it replaced", async () => {
    const board = await newBoard(100);
    expect(await board.ask("aggregates:status")).toMatchObject({ state: "empty", items: 0, generation: 0 });
    expect(await board.call("aggregates:advance")).toMatchObject({ due: true, state: "building" });
    await board.drain();
    expect(await board.call("aggregates:advance")).toEqual({ due: false, state: "ready", hasFailed: false });
    expect(await board.ask("board:count")).toBe(100);
  });

  test("says in a query that it would have waited, and how far the build is", async () => {
    const board = await newBoard(300);
    const before = await dataOf(board.ask("board:count", { whileBuilding: "wait" }));
    expect(before).toMatchObject({ code: "AGGREGATE_BUILDING", status: "empty", wait: true });
    await board.call("aggregates:advance");
    await board.call("aggregates:advance");
    const data = await dataOf(board.ask("board:count"));
    expect(data).toMatchObject({ status: "building", processed: 64 });
    expect(data["wait"]).toBeUndefined();
  });

  test("is waited for by an action", async () => {
    vi.useRealTimers();
    const board = await newBoard(100);
    await board.add(7);
    expect(await board.act("board:countPatiently")).toBe(101);
  });

  test("is finished by a mutation that waits for it", async () => {
    const board = await newBoard(100);
    await board.add(7);
    expect(await board.call("board:countAtOnce")).toBe(101);
    await board.drain();
  });

  test("is built anew, while it answers, by clear", async () => {
    const board = await newBoard(100);
    await board.call("aggregates:advance");
    await board.drain();
    await board.addUnseen(10);
    await board.call("board:startOver");
    expect(await board.ask("board:count")).toBe(100);
    await board.drain();
    expect(await board.ask("board:count")).toBe(110);
  });

  test("is verified and repaired by its operations", async () => {
    const board = await newBoard(50);
    await board.call("aggregates:advance");
    await board.drain();
    await board.addUnseen(3);
    await board.call("aggregates:verify");
    await board.drain();
    const report = async (): Promise<VerifyReport> => (await board.ask("aggregates:report")) as VerifyReport;
    expect(await report()).toMatchObject({ isDone: true, repair: false, counts: { missing: 3 } });
    expect(await board.ask("aggregates:status")).toMatchObject({ drift: 3, items: 50 });
    await board.call("aggregates:repair");
    await board.drain();
    expect(await board.ask("board:count")).toBe(53);
    await board.call("aggregates:verify");
    await board.drain();
    expect(await report()).toMatchObject({ isDone: true, counts: { missing: 0 }, differences: [] });
  });
});
