/**
 * Queued writes: a transaction appends its operations to a table that is ordered by commit, and the worker applies them in one
 * run after the other. Enqueues write no document in common, and none that the worker reads, because it learns of its batches
 * from a snapshot (`worker.ts`). An operation that is refused becomes a dead letter, and the others go on. Deltas (`deltas.ts`)
 * wait in the same table, and the same worker folds them.
 */
import { getDocumentSize, v } from "convex/values";
import { internalMutation, internalQuery, mutation, query, type MutationCtx } from "./_generated/server.js";
import { appendDeltas, usesDeltas } from "./deltas.js";
import { operations, type Operation } from "./interface/operation.js";
import { unmanaged } from "./forest/forest.js";
import { foldEntries } from "./queue/folding.js";
import { assertUnmanaged } from "./generation/directory.js";
import {
  appendPending,
  isPending,
  ownRows,
  queueBatch,
  queueEntry,
  type QueueBatch,
} from "./queue/pending.js";
import { isRunning, wake } from "./worker.js";
import { readFrom } from "./reading/readings.js";

/** A run is handed at most this much. */
const maxBatchOperations = 1024;
const maxBatchBytes = 2 * 1024 * 1024;

/** How many entries `status` looks at. */
const statusEntries = 16;

/**
 * Queues operations, to be applied in the order of their commits. Where the component is set to use deltas, appends deltas
 * instead.
 */
export const enqueue = mutation({
  args: { operations },
  returns: v.null(),
  handler: async (ctx, { operations }): Promise<null> => {
    await readFrom(ctx.db, assertUnmanaged);
    await enqueueOperations(ctx, operations);
    return null;
  },
});

/** Whether the worker runs, and what waits for it. */
export const status = query({
  args: {},
  returns: v.object({
    state: v.union(v.literal("idle"), v.literal("running")),
    /** How many operations wait in the first entries. */
    pendingOperations: v.number(),
    /** Whether there are other entries behind those. */
    hasMore: v.boolean(),
    hasDeadLetters: v.boolean(),
  }),
  handler: async (ctx) => {
    const rows = await ctx.db
      .query("pendingOperations")
      .withIndex("by_commitTs")
      .take(statusEntries + 1);
    const deadLetter = await ctx.db.query("deadLetterOperations").first();
    return {
      state: (await isRunning(ctx.db)) ? ("running" as const) : ("idle" as const),
      pendingOperations: rows
        .slice(0, statusEntries)
        .reduce((count, row) => count + row.operations.length, 0),
      hasMore: rows.length > statusEntries,
      hasDeadLetters: deadLetter !== null,
    };
  },
});

/** Appends operations to the queue, and wakes the worker. */
export async function enqueueOperations(
  ctx: MutationCtx,
  operations: readonly Operation[],
  generation?: number,
): Promise<void> {
  if (operations.length === 0) return;
  const isManaged = generation !== undefined;
  if (await readFrom(ctx.db, (readings) => usesDeltas(readings, isManaged))) {
    return appendDeltas(ctx, operations, generation);
  }
  const [newest] = await ownRows(ctx.db, 1);
  await appendPending(ctx.db, newest, operations, generation === undefined ? {} : { generation });
  await wake(ctx);
}

/** Whether operations wait. Read from a snapshot. */
export const isWaiting = internalQuery({
  args: {},
  returns: v.boolean(),
  handler: (ctx) => readFrom(ctx.db, isPending),
});

/** What is to be applied next. Read from a snapshot, so that appends may go on beside it. */
export const nextBatch = internalQuery({
  args: { cursor: v.optional(v.int64()) },
  returns: queueBatch,
  handler: async (ctx, { cursor }) => {
    // Entries that were taken off leave a trace in the index for a while, which the cursor skips. It stands at the last commit,
    // not behind it, because that commit may have more entries.
    const rows = ctx.db
      .query("pendingOperations")
      .withIndex("by_commitTs", (q) => (cursor === undefined ? q : q.gte("commitTs", cursor)));
    const batch: QueueBatch = { entries: [], hasMore: false, hasDeltas: false };
    let operations = 0;
    let bytes = 0;
    for await (const row of rows) {
      if (typeof row.commitTs !== "bigint") continue;
      operations += row.operations.length;
      bytes += getDocumentSize(row);
      if (batch.entries.length > 0 && (operations > maxBatchOperations || bytes > maxBatchBytes)) {
        return { ...batch, hasMore: true };
      }
      batch.entries.push({ id: row._id, commitTs: row.commitTs });
      batch.hasDeltas ||= row.deltas === true;
    }
    return batch;
  },
});

/** Those of some ids of a generation that operations wait for. Read from a snapshot. O(operations that wait). */
export const waiting = internalQuery({
  args: { generation: v.number(), ids: v.array(v.string()) },
  returns: v.array(v.string()),
  handler: async (ctx, { generation, ids }) => {
    const asked = new Set(ids);
    const found = new Set<string>();
    for await (const row of ctx.db.query("pendingOperations")) {
      if ((row.generation ?? unmanaged) !== generation) continue;
      for (const { id } of row.operations) if (asked.has(id)) found.add(id);
    }
    return [...found];
  },
});

/**
 * Applies up to `limit` operations of a batch and takes them off the queue. Ends early when the transaction's budget of
 * documents is spent. Returns the commit that it has come to.
 */
export const applyBatch = internalMutation({
  args: { entries: v.array(queueEntry), limit: v.number() },
  returns: v.int64(),
  handler: (ctx, { entries, limit }) => foldEntries(ctx, entries, limit),
});
