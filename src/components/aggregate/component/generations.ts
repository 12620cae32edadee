/**
 * What drives the builds of a managed aggregate. The app's side (`client/managed`) asks what is `due`, reads its table, and
 * hands over what belongs into the trees; everything that has to be remembered is here, so a build goes on wherever it was
 * interrupted, and every part of it is one transaction.
 */
import { v, type Infer } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { internal } from "./_generated/api.js";
import { internalMutation, mutation, type MutationCtx } from "./_generated/server.js";
import { buildOf, definitionState, mainGeneration, type DefinitionState } from "./generation/progress.js";
import { beginRun, dueRun, repairDrift } from "./check/lifecycle.js";
import { isDamage } from "./interface/errors.js";
import { batch, fillIn } from "./generation/fills.js";
import { generationsOf } from "./generation/directory.js";
import * as states from "./generation/states.js";
import { failure, tableCursor } from "./generation/tables.js";
import { clearSome } from "./generation/sweep.js";

const definition = v.string();

/**
 * Begins a build for the definition, if it has none, and drops those of all other definitions, whose code does not run any
 * more; with `standby`, leaves them alone. With `fresh`, builds anew what it has. Returns how the definition stands now.
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

/** Drops what every definition has, because nothing is managed here any more: a class without `table` may use the component. */
export const release = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await states.dropOthers(ctx.db, null);
    await ctx.scheduler.runAfter(0, internal.generations.sweep, {});
    return null;
  },
});

/** Clears what was dropped where nothing is managed, so that nobody calls `clear`; goes on in another run. */
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

/** Builds the definition anew, beside the generation that answers now. One that was being built is given up. */
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
  v.object({ kind: v.literal("wait"), state, waitMs: v.number() }),
);

/** What is to be done next for a definition: the fill first, then the check of it, other checks, and clearing. */
export const due = mutation({
  args: { definition },
  returns: dueWork,
  handler: async (ctx, { definition }): Promise<DueWork> => {
    const all = await generationsOf(ctx.db, definition);
    const state = mainGeneration(all)?.status ?? "empty";
    const live = all.filter(({ status }) => status !== "dropped");
    if (live.length === 0) return { kind: "begin", state };
    for (const generation of live.toReversed()) {
      const due = await dueFor(ctx, generation, state);
      if (due !== null) return due;
    }
    const dropped = await states.droppedGeneration(ctx.db);
    return dropped === null ? { kind: "nothing", state } : { kind: "clear", state };
  },
});

/**
 * Fills documents of the table in and notes how far it came. Ends early when the transaction's budget does, and before a
 * document that the definition, or the tree, refuses: then the build has failed, until that document is tried again.
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

/** After a batch that failed as a whole: the next one takes half of it. A single document that fails, fails the build. */
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

/** Deletes some of what dropped generations have left. */
export const clear = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const dropped = await states.droppedGeneration(ctx.db);
    if (dropped !== null && (await clearSome(ctx, dropped.generation))) await states.forget(ctx.db, dropped);
    return null;
  },
});

/** What is to be done for one generation, or null. */
async function dueFor(
  ctx: MutationCtx,
  generation: Doc<"generations">,
  state: DefinitionState,
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
