/**
 * How pending operations come into the trees. Whoever folds, the worker from a snapshot or a writer from the present, reads
 * each entry again where it stands: one that another has taken off in between is passed over, and one of which a part
 * was taken off is gone on with. Entries come in the order of their commits and those before them are folded before
 * them, so an operation is applied once, after all that were committed before it.
 */
import { ConvexError } from "convex/values";
import type { MutationCtx } from "./_generated/server.js";
import type { Operation, QueueEntry } from "./documents.js";
import { Forest, UNMANAGED } from "./forest.js";
import { applyOperation } from "./operations.js";
import { applyDeltas } from "./overlay.js";
import { bury, pendingDeltas, takeOff, type PendingRow } from "./pending.js";

/** What a run leaves of the transaction's documents, for the queue itself. */
const RESERVED_DOCUMENTS = 100;

/**
 * Applies up to `limit` operations of entries and takes them off. Ends early when the transaction's budget of documents
 * does. Returns the commit it has come to. What is refused becomes a dead letter.
 */
export async function foldEntries(
  ctx: MutationCtx,
  entries: readonly QueueEntry[],
  limit: number,
): Promise<bigint> {
  const { documentsRead, documentsWritten } = await ctx.meta.getTransactionMetrics();
  const forests = new Map<number, Forest>();
  let applied = 0;
  let others = 0;
  const mayGoOn = () => {
    const usage = usageOf(forests);
    return (
      applied < limit &&
      usage.read + others + RESERVED_DOCUMENTS < documentsRead.remaining &&
      usage.written + others + RESERVED_DOCUMENTS < documentsWritten.remaining
    );
  };
  let cursor = 0n;
  for (const { id, commitTs } of entries) {
    if (applied > 0 && !mayGoOn()) break;
    cursor = commitTs;
    const row = await ctx.db.get("pendingOperations", id);
    others++;
    if (row === null) continue;
    const forest = forestOf(ctx, forests, row);
    let done = 0;
    while (done < row.operations.length && (applied === 0 || mayGoOn())) {
      const operation = row.operations[done++] as Operation;
      applied++;
      if (!(await applyOrBury(ctx, forest, operation, commitTs))) others++;
    }
    await takeOff(ctx.db, id, row.operations.slice(done));
  }
  for (const forest of forests.values()) await forest.flush(ctx.db);
  return cursor;
}

/**
 * Brings every delta into its tree, for a write that needs the trees as they are.
 * @throws PENDING_OPERATIONS when queued operations wait, or more deltas than a call can apply.
 */
export async function foldDeltas(ctx: MutationCtx): Promise<void> {
  const rows = await pendingDeltas(ctx.db, false);
  if (rows.length === 0) return;
  const forests = new Map<number, Forest>();
  for (const row of rows) {
    await foldRow(ctx, forestOf(ctx, forests, row), row);
    await takeOff(ctx.db, row._id, []);
  }
  for (const forest of forests.values()) await forest.flush(ctx.db);
}

async function foldRow(
  ctx: MutationCtx,
  forest: Forest,
  { commitTs, operations }: PendingRow,
): Promise<void> {
  const errors = await applyDeltas(forest, operations);
  for (const [index, error] of errors.entries()) {
    if (error === null) continue;
    // A delta of this very transaction is no dead letter yet: its writer can still be told.
    if (typeof commitTs !== "bigint") throw error;
    await bury(ctx.db, operations[index] as Operation, commitTs, String(error));
  }
}

function forestOf(
  ctx: MutationCtx,
  forests: Map<number, Forest>,
  { generation = UNMANAGED }: PendingRow,
): Forest {
  const known = forests.get(generation);
  if (known !== undefined) return known;
  const forest = new Forest(ctx.db, generation);
  forests.set(generation, forest);
  return forest;
}

function usageOf(forests: ReadonlyMap<number, Forest>): { read: number; written: number } {
  let [read, written] = [0, 0];
  for (const { nodes } of forests.values()) {
    read += nodes.usage.read;
    written += nodes.usage.written;
  }
  return { read, written };
}

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
