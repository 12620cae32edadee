/**
 * Queued writes: a transaction appends its operations to a table, ordered by commit, and the worker applies them one run
 * after the other. Enqueues write no document in common, and none that the worker reads: it is handed its batches
 * from a snapshot (`worker.ts`). An operation that is refused goes to the dead letters, and the others go on.
 */
import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import { ConvexError, getDocumentSize, v } from "convex/values";
import { internalMutation, internalQuery, mutation, query, type MutationCtx } from "./_generated/server.js";
import type { Operation, QueueEntry } from "./documents.js";
import { Forest } from "./forest.js";
import { applyOperation } from "./operations.js";
import { appendPending, bury, takeOff } from "./pending.js";
import * as validators from "./validators.js";
import type { QueueStatus } from "./wire.js";
import { isRunning, wake } from "./worker.js";

/** The most that a run is handed. */
const MAX_BATCH_OPERATIONS = 1024;
const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** What a run leaves of the transaction's documents, for the queue itself. */
const RESERVED_DOCUMENTS = 100;

/** How many entries `status` looks at. */
const STATUS_ENTRIES = 16;

/** Queues operations, to be applied in the order of their commits. */
export const enqueue: RegisteredMutation<"public", { operations: Operation[] }, Promise<null>> = mutation({
  args: validators.operationsArgs,
  returns: v.null(),
  handler: async (ctx, { operations }): Promise<null> => {
    await enqueueOperations(ctx, operations);
    return null;
  },
});

/** Whether the worker is at it, and what waits for it. */
export const status: RegisteredQuery<"public", Record<string, never>, Promise<QueueStatus>> = query({
  args: {},
  returns: validators.queueStatus,
  handler: async (ctx): Promise<QueueStatus> => {
    const rows = await ctx.db
      .query("pendingOperations")
      .withIndex("by_commitTs")
      .take(STATUS_ENTRIES + 1);
    const deadLetter = await ctx.db.query("deadLetterOperations").first();
    return {
      state: (await isRunning(ctx.db)) ? "running" : "idle",
      pendingOperations: rows
        .slice(0, STATUS_ENTRIES)
        .reduce((count, row) => count + row.operations.length, 0),
      hasMore: rows.length > STATUS_ENTRIES,
      hasDeadLetters: deadLetter !== null,
    };
  },
});

/** Appends operations to the queue, and sees to it that the worker comes. */
export async function enqueueOperations(ctx: MutationCtx, operations: readonly Operation[]): Promise<void> {
  if (operations.length === 0) return;
  await appendPending(ctx.db, operations);
  await wake(ctx);
}

/** What is to be applied next. Read from a snapshot, so that enqueues may go on beside it. */
export const nextBatch: RegisteredQuery<
  "internal",
  { cursor?: bigint | undefined },
  Promise<QueueEntry[]>
> = internalQuery({
  args: validators.cursorArgs,
  returns: validators.entries,
  handler: async (ctx, { cursor }): Promise<QueueEntry[]> => {
    // What was taken off leaves a trace in the index for a while: the cursor passes over it. The last commit may have
    // more entries, so it is looked at again.
    const rows = ctx.db
      .query("pendingOperations")
      .withIndex("by_commitTs", (q) => (cursor === undefined ? q : q.gte("commitTs", cursor)));
    const entries: QueueEntry[] = [];
    let operations = 0;
    let bytes = 0;
    for await (const row of rows) {
      if (typeof row.commitTs !== "bigint") continue;
      operations += row.operations.length;
      bytes += getDocumentSize(row);
      if (entries.length > 0 && (operations > MAX_BATCH_OPERATIONS || bytes > MAX_BATCH_BYTES)) break;
      entries.push({ id: row._id, commitTs: row.commitTs, operations: row.operations });
    }
    return entries;
  },
});

/**
 * Applies up to `limit` operations of a batch and takes them off the queue. Ends early when the transaction's budget of
 * documents does. Returns the commit it has come to.
 */
export const applyBatch: RegisteredMutation<
  "internal",
  { entries: QueueEntry[]; limit: number },
  Promise<bigint>
> = internalMutation({
  args: validators.batchArgs,
  returns: v.int64(),
  handler: async (ctx, { entries, limit }): Promise<bigint> => {
    const { documentsRead, documentsWritten } = await ctx.meta.getTransactionMetrics();
    const forest = new Forest(ctx.db);
    let applied = 0;
    let letters = 0;
    const mayGoOn = () =>
      applied < limit &&
      forest.nodes.usage.read + RESERVED_DOCUMENTS < documentsRead.remaining &&
      forest.nodes.usage.written + letters + RESERVED_DOCUMENTS < documentsWritten.remaining;
    let cursor = 0n;
    for (const { id, commitTs, operations } of entries) {
      if (applied > 0 && !mayGoOn()) break;
      cursor = commitTs;
      let done = 0;
      while (done < operations.length && (applied === 0 || mayGoOn())) {
        const operation = operations[done++] as Operation;
        applied++;
        if (!(await applyOrBury(ctx, forest, operation, commitTs))) letters++;
      }
      await takeOff(ctx.db, id, operations.slice(done));
    }
    await forest.flush(ctx.db);
    return cursor;
  },
});

/** True when the operation was applied; when it was refused, it is a dead letter now. */
async function applyOrBury(
  ctx: MutationCtx,
  forest: Forest,
  operation: Operation,
  commitTs: bigint,
): Promise<boolean> {
  try {
    await applyOperation(forest, operation);
    return true;
  } catch (error) {
    if (!(error instanceof ConvexError)) throw error;
    await bury(ctx.db, operation, commitTs, String(error));
    return false;
  }
}
