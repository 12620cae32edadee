/**
 * The functions that drive a check. The app's side (`client/verification`) asks what a run needs to `proceed`, reads its table,
 * and hands over the items that its documents should have. Each step is one transaction, which also writes how far the run has
 * come: so a run goes on after its last step, even if the process was killed.
 */
import { ConvexError, v, type Infer } from "convex/values";
import { mutation, query, type DatabaseReader, type MutationCtx } from "./_generated/server.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import { addDocuments, beginDigests, foldTrees } from "./check/digests.js";
import { compareDocuments, compareItems, nextItems } from "./check/items.js";
import { CheckRun } from "./check/runs.js";
import { checkStructure } from "./check/structure.js";
import { itemColumns } from "./check/columns.js";
import { report as runReport, reportOn } from "./check/report.js";
import type { CheckPhase } from "./check/tables.js";
import { failure, tableCursor } from "./generation/tables.js";
import { fillSuccessors, installSuccessors, plantSuccessors } from "./check/rebuilds.js";
import { beginRun, completeRun, dueRun, failRun, latestRun } from "./check/lifecycle.js";
import { foldDeltas } from "./queue/folding.js";
import { Forest, unmanaged } from "./forest/forest.js";
import { buildingError, mainGeneration } from "./generation/progress.js";
import { assertUnmanaged, generationsOf } from "./generation/directory.js";
import { readFrom } from "./reading/readings.js";
import { nativeStoreOf } from "../../../seams/index.js";

/** How long to wait for the worker to apply queued writes. */
const queueWaitMs = 250;
/** How many differences a page of a report has by default. */
const defaultLimit = 100;

const runId = v.string();

/** The ids of documents whose items the step found wrong. */
const found = v.optional(v.array(v.string()));

/**
 * What a run needs next. `over`: nothing, the run has ended. `again`: a step was made, so call again. `wait`: queued writes have
 * to be applied first. `documents`: hand over up to `limit` documents behind the cursor. `items`: hand over the documents with
 * these ids, in the same transaction.
 */
type Task = Infer<typeof task>;
const task = v.union(
  v.object({ kind: v.literal("over"), found }),
  v.object({ kind: v.literal("again"), found }),
  v.object({ kind: v.literal("wait"), waitMs: v.number() }),
  v.object({
    kind: v.literal("documents"),
    cursor: v.optional(tableCursor),
    limit: v.number(),
    /** True when all of them are written into trees, and not only those whose items are wrong. */
    isWritten: v.optional(v.boolean()),
  }),
  v.object({ kind: v.literal("items"), ids: v.array(v.string()) }),
);

/**
 * Begins a check, which with `repair` also mends what it finds. Returns the run's id. When a run is under way that does as much,
 * returns its id instead.
 * @throws AGGREGATE_BUILDING while there is nothing to check yet.
 */
export const start = mutation({
  args: {
    /** The definition of a managed aggregate; without it, the check is of the trees that nobody manages. */
    definition: v.optional(v.string()),
    repair: v.boolean(),
    startedBy: v.string(),
  },
  returns: v.string(),
  handler: async (ctx, { definition, repair, startedBy }) => {
    if (definition === undefined) await readFrom(ctx.db, assertUnmanaged);
    const generation = await generationOf(ctx.db, definition);
    if (generation === null) throw await buildingError(ctx.db, definition ?? "");
    return beginRun(ctx.db, { generation, repair, startedBy });
  },
});

/** The run that is under way, or null. */
export const due = query({
  args: { definition: v.optional(v.string()) },
  returns: v.union(v.string(), v.null()),
  handler: async (ctx, { definition }) => {
    const generation = await generationOf(ctx.db, definition);
    return generation === null ? null : dueRun(ctx.db, generation);
  },
});

/** Makes the next step of a run, or says what the step needs. */
export const proceed = mutation({
  args: { runId },
  returns: task,
  handler: async (ctx, { runId }): Promise<Task> => {
    const run = await openRun(ctx, runId);
    if (run === null) return { kind: "over" };
    const { phase, cursor } = run.step;
    // These phases apply what waits first, because that is no difference. The others do not depend on it. Where transactions may
    // conflict, that would meet everybody who appends: there they pass over documents that something waits for.
    const isClose = phase === "compare" || phase === "items" || phase === "documents";
    const mayConflict = nativeStoreOf(ctx.db)?.hasConflicts === true;
    if (isClose && !mayConflict && !(await applyPending(ctx))) return { kind: "wait", waitMs: queueWaitMs };
    switch (phase) {
      case "digest":
      case "documents":
      case "refill":
        return {
          kind: "documents",
          limit: run.step.batchSize,
          ...(cursor && { cursor }),
          ...(phase === "refill" && { isWritten: true }),
        };
      case "structure":
        return after(ctx, run, await checkStructure(ctx, run));
      case "compare":
        return after(ctx, run, await foldTrees(ctx, run));
      case "items":
        return itemsTask(ctx, run);
      case "plant":
        return after(ctx, run, await plantSuccessors(ctx, run));
      case "install":
        return after(ctx, run, await installSuccessors(ctx, run));
    }
  },
});

/** Takes documents: adds them up, looks for their items, or puts those into new trees. The run goes on behind them. */
export const documents = mutation({
  args: {
    runId,
    columns: itemColumns,
    /** Behind the last of the documents; absent when there were none. */
    cursor: v.optional(tableCursor),
    /** True when there are no more documents behind. */
    isDone: v.boolean(),
  },
  returns: task,
  handler: async (ctx, { runId, columns, cursor, isDone }): Promise<Task> => {
    const run = await openRun(ctx, runId);
    if (run === null) return { kind: "over" };
    const beganAtMs = Date.now();
    const { phase } = run.step;
    if (phase === "digest") await addDocuments(ctx, run, columns);
    else if (phase === "documents") await compareDocuments(ctx, run, columns);
    else if (phase === "refill") await fillSuccessors(ctx, run, columns);
    else return { kind: "again" };
    if (cursor !== undefined) run.step.cursor = cursor;
    run.paceNext(Date.now() - beganAtMs);
    return after(ctx, run, isDone);
  },
});

/** Compares the items that `proceed` named with their documents. */
export const items = mutation({
  args: {
    runId,
    /** The items of those documents that there are of the ids. */
    columns: itemColumns,
  },
  returns: task,
  handler: async (ctx, { runId, columns }): Promise<Task> => {
    const run = await openRun(ctx, runId);
    if (run?.step.phase !== "items") return { kind: "again" };
    const beganAtMs = Date.now();
    const next = await compareItems(ctx, run, columns);
    run.paceNext(Date.now() - beganAtMs);
    if (next !== null) run.step.place = next;
    return after(ctx, run, next === null);
  },
});

/** Ends a run that cannot go on. */
export const fail = mutation({
  args: { runId, failure },
  returns: v.null(),
  handler: async (ctx, { runId, failure }) => {
    const run = await openRun(ctx, runId);
    if (run !== null) await failRun(ctx.db, run, failure);
    return null;
  },
});

/** What a run, by default the latest, has found so far, with the differences in the order in which they were found. */
export const report = query({
  args: {
    runId: v.optional(v.string()),
    definition: v.optional(v.string()),
    cursor: v.optional(v.string()),
    limit: v.optional(v.number()),
  },
  returns: v.union(runReport, v.null()),
  handler: async (ctx, { runId, definition, cursor, limit = defaultLimit }) => {
    const run = await reportedRun(ctx.db, runId, definition);
    return run === null ? null : reportOn(ctx.db, run, cursor, limit);
  },
});

async function itemsTask(ctx: MutationCtx, run: CheckRun): Promise<Task> {
  const page = await nextItems(ctx, run, new Forest(ctx.db, run.row.generation));
  if (page.items.length > 0) return { kind: "items", ids: page.items.map(({ item }) => item.position.id) };
  if (page.next !== null) run.step.place = page.next;
  return after(ctx, run, page.next === null);
}

/** Ends a step: the phase goes on, or the next one begins, or the run is over. */
async function after(ctx: MutationCtx, run: CheckRun, isPhaseOver: boolean): Promise<Task> {
  const found = run.foundIds.length === 0 ? {} : { found: [...run.foundIds] };
  if (isPhaseOver) {
    const next = await phaseAfter(run);
    if (next === null) {
      await completeRun(ctx.db, run);
      return { kind: "over", ...found };
    }
    run.begin(next);
  }
  await run.save();
  return { kind: "again", ...found };
}

async function phaseAfter(run: CheckRun): Promise<CheckPhase | null> {
  const afterItems = run.row.repair && run.row.counts.structure > 0 ? "plant" : null;
  switch (run.step.phase) {
    case "structure":
      await beginDigests(run);
      return "digest";
    case "digest":
      return "compare";
    case "compare":
      return (await run.differing()).size === 0 ? afterItems : "items";
    case "items":
      return "documents";
    case "documents":
      return afterItems;
    case "plant":
      return "refill";
    case "refill":
      return "install";
    case "install":
      return null;
  }
}

/** Brings deltas that wait into the trees. Returns false when operations are queued, which only the worker applies. */
async function applyPending(ctx: MutationCtx): Promise<boolean> {
  try {
    await foldDeltas(ctx);
    return true;
  } catch (error) {
    if (error instanceof ConvexError && error.data.code === "PENDING_OPERATIONS") return false;
    throw error;
  }
}

function openRun({ db }: MutationCtx, runId: string): Promise<CheckRun | null> {
  const id = db.normalizeId("checkRuns", runId);
  return id === null ? Promise.resolve(null) : CheckRun.open(db, id);
}

/** The generation that a check of a definition is about; null when there is none. */
async function generationOf(db: DatabaseReader, definition: string | undefined): Promise<number | null> {
  if (definition === undefined) return unmanaged;
  const main = mainGeneration(await generationsOf(db, definition));
  return main === undefined || main.status === "dropped" ? null : main.generation;
}

async function reportedRun(
  db: DatabaseReader,
  runId: string | undefined,
  definition: string | undefined,
): Promise<Doc<"checkRuns"> | null> {
  if (runId !== undefined) {
    const id: Id<"checkRuns"> | null = db.normalizeId("checkRuns", runId);
    return id === null ? null : db.get("checkRuns", id);
  }
  const generation = await generationOf(db, definition);
  return generation === null ? null : latestRun(db, generation);
}
