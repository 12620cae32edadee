/**
 * The worker of the queue: a mutation that applies a batch and schedules itself, one run at a time, until the queue has been
 * empty for a while.
 *
 * Enqueues only read whether it runs, so they conflict with it, and with each other, only when it starts and stops. Deltas do not
 * even read that: they look into a snapshot, and schedule a job (`begin`) that wakes the worker. Deltas that an old snapshot has
 * misled are found by a last look, some time after the worker has stopped.
 *
 * A watchdog starts the worker anew when a run was lost. A batch that fails as a whole, for instance because it exceeds a limit,
 * is tried again in halves, down to the one operation that fails, which becomes a dead letter.
 */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import {
  internalMutation,
  type DatabaseReader,
  type DatabaseWriter,
  type MutationCtx,
} from "./_generated/server.js";
import { bury, isPending, takeOff, type QueueBatch, type QueueEntry } from "./queue/pending.js";
import { readFrom } from "./reading/readings.js";
import { nativeStoreOf, type CellCodec } from "../../../seams/index.js";

const maxBatchLimit = 1024;

/** How often the worker looks at an empty queue. */
const pollMs = 200;
/** How long the worker goes on looking after the last work, before it stops. */
const cooldownMs = 2000;

/** A run that is this late counts as lost. */
const watchdogMs = 60_000;

/** How long operations gather before a run takes them, unless more wait than a run takes. */
const gatherMs = 100;

/** The last look comes this long after the worker has stopped: much longer than a snapshot may lag, or a mutation may run. */
const lastLookMs = 30_000;

/** A run that is this late has writers look after the worker. */
const lateMs = 2000;

/**
 * On Trueup this cell holds when the worker ran last, or was called, in ms since 1970, and nothing while nobody needs it. Where
 * several processes write, each append of deltas asks for it, in a snapshot. Nobody reads it otherwise, so writing it conflicts
 * with nothing.
 */
export const signCell = "worker";
export const signCodec: CellCodec<number> = { encode: String, decode: Number };

/** Whether the worker should have run again by now. The clocks of two processes may differ, so this is only a hint. */
export function isLate(ranAtMs: number): boolean {
  return Date.now() - ranAtMs > lateMs;
}

/** Makes sure that the worker runs. */
export async function wake(ctx: MutationCtx, delayMs: number = 0): Promise<void> {
  const worker = await ctx.db.query("worker").first();
  if (worker?.state === "running") return;
  if (worker === null) await ctx.db.insert("worker", { state: "running" });
  else await ctx.db.patch("worker", worker._id, { state: "running" });
  const progress = await progressOf(ctx);
  const watchdog = await ctx.scheduler.runAfter(watchdogMs, internal.worker.watch, {});
  await scheduleRun(ctx, progress, delayMs, { watchdog, workedAtMs: Date.now() });
}

/** Wakes the worker when operations wait. */
export const begin = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await wakeIfNeeded(ctx);
    return null;
  },
});

async function wakeIfNeeded(ctx: MutationCtx): Promise<void> {
  if (await isRunning(ctx.db)) return;
  // In a snapshot, because whoever appends changes whether something waits.
  if (await ctx.runQuery(internal.queue.isWaiting, {}, { useStaleSnapshot: true })) await wake(ctx, gatherMs);
  else giveSign(ctx.db, undefined);
}

/** How far the worker has come; null before it ever ran. */
export function progressIn(db: DatabaseReader): Promise<Doc<"progress"> | null> {
  return db.query("progress").first();
}

/** Whether the worker runs. */
export async function isRunning(db: DatabaseReader): Promise<boolean> {
  return (await db.query("worker").first())?.state === "running";
}

/** One run of the worker. It does nothing when another run has replaced it, which its generation tells. */
export const run = internalMutation({
  args: { generation: v.number() },
  returns: v.null(),
  handler: async (ctx, { generation }) => {
    const progress = await progressOf(ctx);
    if (progress.generation !== generation) return null;
    const { cursor } = progress;
    const batch = cursor === undefined ? {} : { cursor };
    const found = await ctx.runQuery(internal.queue.nextBatch, batch, { useStaleSnapshot: true });
    if (found.entries.length > 0) await work(ctx, progress, found);
    else if (Date.now() < progress.workedAtMs + cooldownMs) await scheduleRun(ctx, progress, pollMs);
    // The snapshot may lag behind an enqueue that saw the worker running: only a read of the present may stop it.
    else if (await readFrom(ctx.db, isPending)) await scheduleRun(ctx, progress, 0);
    else await stop(ctx, progress);
    return null;
  },
});

/** Makes sure that the worker runs, and soon: the process that was to begin it, or to run it next, may be gone. */
export const relieve = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await wakeIfNeeded(ctx);
    const progress = await progressIn(ctx.db);
    if (progress !== null && (await isRunning(ctx.db)) && !(await isComing(ctx, progress, lateMs))) {
      await scheduleRun(ctx, progress, 0);
    }
    return null;
  },
});

/** The watchdog: starts the worker anew when its next run is overdue or has failed. */
export const watch = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    if (!(await isRunning(ctx.db))) return null;
    const progress = await progressOf(ctx);
    const watchdog = await ctx.scheduler.runAfter(watchdogMs, internal.worker.watch, {});
    if (await isComing(ctx, progress, watchdogMs)) {
      await ctx.db.patch("progress", progress._id, { watchdog });
    } else {
      console.error("[aggregate] the worker's run was lost; it starts anew");
      await scheduleRun(ctx, progress, 0, { watchdog, batchLimit: Math.ceil(progress.batchLimit / 2) });
    }
    return null;
  },
});

async function work(
  ctx: MutationCtx,
  progress: Doc<"progress">,
  { entries, hasMore: isBehind, ...batch }: QueueBatch,
): Promise<void> {
  const { batchLimit } = progress;
  const hasDeltas = batch.hasDeltas || progress.hasDeltas === true;
  const workedAtMs = Date.now();
  try {
    const cursor = await ctx.runMutation(internal.queue.applyBatch, { entries, limit: batchLimit });
    const grown = Math.min(maxBatchLimit, batchLimit * 2);
    await scheduleRun(ctx, progress, isBehind ? 0 : gatherMs, {
      cursor,
      workedAtMs,
      batchLimit: grown,
      isBehind,
      hasDeltas,
    });
  } catch (error) {
    if (batchLimit > 1) {
      console.error(
        `[aggregate] a batch of queued writes failed, and is tried again in halves: ${String(error)}`,
      );
      await scheduleRun(ctx, progress, 0, { workedAtMs, batchLimit: Math.ceil(batchLimit / 2) });
    } else {
      await buryFirst(ctx.db, entries, String(error));
      await scheduleRun(ctx, progress, 0, { workedAtMs });
    }
  }
}

async function buryFirst(db: DatabaseWriter, entries: QueueEntry[], error: string): Promise<void> {
  const [entry] = entries;
  const row = entry && (await db.get("pendingOperations", entry.id));
  const [operation, ...rest] = row?.operations ?? [];
  if (entry === undefined || operation === undefined) return;
  await bury(db, operation, entry.commitTs, error);
  await takeOff(db, entry.id, rest);
}

async function stop(ctx: MutationCtx, progress: Doc<"progress">): Promise<void> {
  const worker = await ctx.db.query("worker").first();
  if (worker !== null) await ctx.db.patch("worker", worker._id, { state: "idle" });
  const watchdog = await jobOf(ctx, progress.watchdog);
  if (watchdog?.state.kind === "pending") await ctx.scheduler.cancel(watchdog._id);
  const { generation } = progress;
  await ctx.db.patch("progress", progress._id, {
    generation: generation + 1,
    run: undefined,
    watchdog: undefined,
    isBehind: false,
    hasDeltas: false,
  });
  giveSign(ctx.db, undefined);
  if (progress.hasDeltas === true) await ctx.scheduler.runAfter(lastLookMs, internal.worker.begin, {});
}

export function giveSign(db: DatabaseWriter, ranAtMs: number | undefined): void {
  nativeStoreOf(db)?.cells(signCodec).set(signCell, ranAtMs);
}

async function scheduleRun(
  ctx: MutationCtx,
  { _id, generation }: Doc<"progress">,
  delayMs: number,
  changes: Partial<Doc<"progress">> = {},
): Promise<void> {
  const next = generation + 1;
  const job = await ctx.scheduler.runAfter(delayMs, internal.worker.run, { generation: next });
  await ctx.db.patch("progress", _id, { ...changes, generation: next, run: job });
  giveSign(ctx.db, Date.now());
}

/** Whether the next run is under way, or not later than so many milliseconds. */
async function isComing(ctx: MutationCtx, progress: Doc<"progress">, toleratedMs: number): Promise<boolean> {
  const job = await jobOf(ctx, progress.run);
  if (job?.state.kind === "inProgress") return true;
  return job?.state.kind === "pending" && job.scheduledTime > Date.now() - toleratedMs;
}

async function jobOf(ctx: MutationCtx, id: Id<"_scheduled_functions"> | undefined) {
  return id === undefined ? null : ctx.db.system.get("_scheduled_functions", id);
}

async function progressOf(ctx: MutationCtx): Promise<Doc<"progress">> {
  const progress = await progressIn(ctx.db);
  if (progress !== null) return progress;
  const id = await ctx.db.insert("progress", { generation: 0, workedAtMs: 0, batchLimit: maxBatchLimit });
  const created = await ctx.db.get("progress", id);
  if (created === null) throw new Error("a document is gone right after it was inserted");
  return created;
}
