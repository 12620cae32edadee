/**
 * The functions that drive the builds of a managed aggregate. The app's side (`client/managed`) asks what is `due`, reads its
 * table, and hands over what belongs into the trees. Everything that has to be remembered is stored here, and every part of a
 * build is one transaction: so a build goes on wherever it was interrupted.
 */
import { v, type Infer } from "convex/values";
import type { AggregateState } from "../../../seams/index.js";
import { removeSome, settle } from "../tree/index.js";
import type { Doc } from "./_generated/dataModel.js";
import { internal } from "./_generated/api.js";
import { internalMutation, mutation, type DatabaseReader, type MutationCtx } from "./_generated/server.js";
import { buildOf, definitionState, mainGeneration } from "./generation/progress.js";
import { beginRun, clearRuns, dueRun, repairDrift } from "./check/lifecycle.js";
import { isDamage } from "./interface/errors.js";
import { batch, fillIn } from "./generation/fills.js";
import { clearBeside } from "./generation/beside.js";
import { generationsOf } from "./generation/directory.js";
import * as states from "./generation/states.js";
import { deleteRecord, successorGeneration } from "./forest/records.js";
import { Forest } from "./forest/forest.js";
import { failure, tableCursor } from "./generation/tables.js";

/** How many trees one part of clearing looks at, and how many writes that wait it deletes. */
const treesPerSweep = 250;
const writesPerSweep = 500;

const definition = v.string();

/**
 * Begins a build for the definition, if it has none, and drops what all other definitions have, because their code does not run
 * any more. Returns how the definition stands now.
 */
export const begin = mutation({
  args: {
    definition,
    /** Leaves alone what other definitions have built. */
    standby: v.optional(v.boolean()),
    /** Does not trust what this definition had built before, because not every write was followed. */
    fresh: v.optional(v.boolean()),
  },
  returns: definitionState,
  handler: async (ctx, { definition, standby, fresh }) => {
    if (standby !== true) await states.dropOthers(ctx.db, definition);
    if (fresh === true) await states.dropAll(ctx.db, definition);
    const main = mainGeneration(await generationsOf(ctx.db, definition));
    if (main !== undefined && main.status !== "dropped") return main.status;
    await states.createGeneration(ctx.db, definition);
    return "building";
  },
});

/**
 * Drops what every definition has, because nothing is managed here any more. Then a class without `table` may use the component.
 */
export const release = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await states.dropOthers(ctx.db, null);
    await ctx.scheduler.runAfter(0, internal.generations.sweep, {});
    return null;
  },
});

/** Clears what was dropped, in run after run. It works where nothing is managed, so that nobody would call `clear`. */
export const sweep = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const dropped = await states.droppedGeneration(ctx.db);
    if (dropped === null) return null;
    if (await clearSome(ctx, dropped.generation)) await states.forget(ctx.db, dropped);
    await ctx.scheduler.runAfter(0, internal.generations.sweep, {});
    return null;
  },
});

/** Builds the definition anew, beside the generation that answers now. A generation that was being built is dropped. */
export const rebuild = mutation({
  args: { definition, maxNodeSize: v.optional(v.number()), rootLazy: v.optional(v.boolean()) },
  returns: v.null(),
  handler: async (ctx, { definition, ...settings }) => {
    const unready = await states.unreadyGeneration(ctx.db, definition);
    if (unready !== null) await states.drop(ctx.db, unready);
    await states.createGeneration(ctx.db, definition, settings);
    return null;
  },
});

/** What is to be done next, and how the definition stands. */
type DueWork = Infer<typeof dueWork>;
const state = definitionState;
const dueWork = v.union(
  v.object({ kind: v.union(v.literal("begin"), v.literal("clear"), v.literal("nothing")), state }),
  v.object({
    kind: v.literal("fill"),
    state,
    generation: v.number(),
    /** The document to go on behind; absent before the first batch. */
    cursor: v.optional(tableCursor),
    /** How many documents to take at most. */
    limit: v.number(),
    /** True when the fill is to say how large the table is. */
    isFirst: v.boolean(),
  }),
  v.object({ kind: v.literal("run"), state, generation: v.number(), runId: v.string() }),
  v.object({ kind: v.literal("bulk"), state, generation: v.number() }),
  v.object({ kind: v.literal("wait"), state, waitMs: v.number() }),
);

/** Says what is to be done next for a definition: first the fill, then its check, then other checks, then clearing. */
export const due = mutation({
  args: {
    definition,
    /** Given by who can build in bulk, with the generation that is being built so by now. */
    bulk: v.optional(v.object({ underWay: v.union(v.number(), v.null()) })),
  },
  returns: dueWork,
  handler: async (ctx, { definition, bulk }): Promise<DueWork> => {
    const all = await generationsOf(ctx.db, definition);
    const state = mainGeneration(all)?.status ?? "empty";
    const live = all.filter(({ status }) => status !== "dropped");
    if (live.length === 0) return { kind: "begin", state };
    for (const generation of live.toReversed()) {
      const due = (await bulkFor(ctx, generation, state, bulk)) ?? (await dueFor(ctx, generation, state));
      if (due !== null) return due;
    }
    const dropped = await states.droppedGeneration(ctx.db);
    return dropped === null ? { kind: "nothing", state } : { kind: "clear", state };
  },
});

/**
 * Fills documents of the table in, and notes how far it came. It ends early when the transaction's budget is spent. It also ends
 * before a document that the definition, or the tree, refuses: then the build has failed until that document is tried again.
 */
export const fill = mutation({
  args: batch,
  returns: v.null(),
  handler: async (ctx, args) => {
    const generation = await states.liveGeneration(ctx.db, args.generation);
    const build = generation && (await buildOf(ctx.db, args.generation));
    if (generation === null || build === null) return null;
    try {
      await fillIn(ctx, generation, build, args);
    } catch (error) {
      if (!isDamage(error)) throw error;
      await states.replaceDamaged(ctx.db, args.generation, String(error));
    }
    return null;
  },
});

/**
 * Makes the next batch half as large, after one that failed as a whole. When a single document has failed, the build has failed.
 */
export const shrink = mutation({
  args: { generation: v.number(), failure },
  returns: v.null(),
  handler: async (ctx, { generation: number, failure }) => {
    const generation = await states.liveGeneration(ctx.db, number);
    const build = await buildOf(ctx.db, number);
    if (generation === null || build === null) return null;
    if (build.batchSize <= 1) await states.fail(ctx.db, generation, failure);
    else await ctx.db.patch("builds", build._id, { batchSize: Math.floor(build.batchSize / 2) });
    return null;
  },
});

/** Deletes a part of what a dropped generation has left. */
export const clear = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const dropped = await states.droppedGeneration(ctx.db);
    if (dropped !== null && (await clearSome(ctx, dropped.generation))) await states.forget(ctx.db, dropped);
    return null;
  },
});

/** The build in bulk that is to be done for one generation; null when none is. */
async function bulkFor(
  { db }: MutationCtx,
  generation: Doc<"generations">,
  state: AggregateState,
  bulk: { underWay: number | null } | undefined,
): Promise<DueWork | null> {
  const { generation: number, inBulk = false, status } = generation;
  const isUnderWay = inBulk && (bulk === undefined || bulk.underWay === number);
  if (isUnderWay) return { kind: "bulk", state, generation: number };
  if (bulk === undefined || status === "ready" || (await buildOf(db, number))?.isFilled === true) return null;
  return { kind: "bulk", state, generation: await states.beginInBulk(db, generation) };
}

/** What is to be done for one generation; null when nothing is. */
async function dueFor(
  ctx: MutationCtx,
  generation: Doc<"generations">,
  state: AggregateState,
): Promise<DueWork | null> {
  const { generation: number, status, failure } = generation;
  if (status !== "ready") {
    const build = await buildOf(ctx.db, number);
    if (build !== null && !build.isFilled) {
      const { cursor, batchSize, processed } = build;
      // A document that was refused is tried again alone.
      const limit = failure === undefined ? batchSize : 1;
      const isFirst = processed === 0;
      return { kind: "fill", state, generation: number, limit, isFirst, ...(cursor && { cursor }) };
    }
  }
  const runId = await dueRun(ctx.db, number);
  if (runId !== null) return { kind: "run", state, generation: number, runId };
  if (status === "ready") {
    const repair = await repairDrift(ctx.db, number);
    if (repair === null) return null;
    return "waitMs" in repair
      ? { kind: "wait", state, ...repair }
      : { kind: "run", state, generation: number, ...repair };
  }
  const checkId = await beginRun(ctx.db, { generation: number, repair: true, startedBy: "build" });
  return { kind: "run", state, generation: number, runId: checkId };
}

/** Deletes some of the nodes of a dropped generation, then its runs; returns true when nothing is left of it. */
async function clearSome({ db }: MutationCtx, generation: number): Promise<boolean> {
  const records = [
    ...(await someRecords(db, generation)),
    // Successors of trees that were being rebuilt when it was dropped.
    ...(await someRecords(db, successorGeneration(generation))),
  ];
  const store = new Forest(db, generation).nodes;
  let left = store.removedAtOnce;
  for (const record of records) {
    const { removed, isGone } = await settle(store, () => removeSome(store, record.root, left));
    left -= removed;
    if (!isGone) break;
    await deleteRecord(db, record);
  }
  await store.write(db);
  if (records.length > 0 || !(await clearBeside(db, generation, writesPerSweep))) return false;
  return clearRuns(db, generation);
}

function someRecords(db: DatabaseReader, generation: number): Promise<Doc<"trees">[]> {
  return db
    .query("trees")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(treesPerSweep);
}
