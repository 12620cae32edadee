/**
 * The queue's table. Queued writes and the others do not mix: as long as some are queued, reads would miss them and writes
 * would overtake them. So both are refused then, except reads that say they may be stale.
 */
import { getConvexSize, getDocumentSize } from "convex/values";
import type { Id } from "./_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import type { Operation, PendingFields } from "./documents.js";
import { aggregateError } from "./errors.js";
import { nativeStoreOf } from "./native_store.js";

const MAX_ENTRY_OPERATIONS = 512;
const MAX_ENTRY_BYTES = 100 * 1024;

/** @throws PENDING_OPERATIONS while writes are queued. */
export async function assertNothingPending(db: DatabaseReader): Promise<void> {
  if (!(await isPending(db))) return;
  const message =
    "The aggregate has queued writes: until they are applied, read with `stale` and write with `async`.";
  throw aggregateError("PENDING_OPERATIONS", message);
}

/** True while writes are queued. */
export async function isPending(db: DatabaseReader): Promise<boolean> {
  const native = nativeStoreOf(db);
  if (native !== null) return (await native.count("pendingOperations")) > 0;
  return (await db.query("pendingOperations").first()) !== null;
}

/** Appends operations to what the transaction has queued so far. */
export async function appendPending(db: DatabaseWriter, operations: readonly Operation[]): Promise<void> {
  const { commitTs } = db.vars;
  const newest = await db
    .query("pendingOperations")
    .withIndex("by_commitTs", (q) => q.eq("commitTs", commitTs))
    .order("desc")
    .first();
  let rest = [...operations];
  if (newest !== null) {
    const { filled, left } = fill(newest, rest);
    if (left.length < rest.length) await db.patch("pendingOperations", newest._id, { operations: filled });
    rest = left;
  }
  while (rest.length > 0) {
    const { filled, left } = fill({ commitTs, operations: [] }, rest);
    await db.insert("pendingOperations", { commitTs, operations: filled });
    rest = left;
  }
}

/** Adds as many operations to an entry as it has room for; an empty one takes the first, however large. */
function fill(entry: PendingFields, operations: Operation[]): { filled: Operation[]; left: Operation[] } {
  let bytes = getDocumentSize(entry);
  let taken = 0;
  for (const operation of operations) {
    const count = entry.operations.length + taken;
    bytes += getConvexSize(operation);
    if (count > 0 && (count >= MAX_ENTRY_OPERATIONS || bytes > MAX_ENTRY_BYTES)) break;
    taken++;
  }
  return { filled: [...entry.operations, ...operations.slice(0, taken)], left: operations.slice(taken) };
}

/** Takes operations off the queue: `rest` is what is left of their entry. */
export async function takeOff(
  db: DatabaseWriter,
  id: Id<"pendingOperations">,
  rest: Operation[],
): Promise<void> {
  if (rest.length === 0) await db.delete("pendingOperations", id);
  else await db.patch("pendingOperations", id, { operations: rest });
}

/** Puts an operation with the dead letters. */
export async function bury(
  db: DatabaseWriter,
  operation: Operation,
  commitTs: bigint,
  error: string,
): Promise<void> {
  console.error(`[aggregate] a queued ${operation.type} was refused and is a dead letter now: ${error}`);
  await db.insert("deadLetterOperations", { commitTs, operation, error });
}
