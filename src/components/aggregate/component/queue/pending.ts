/**
 * The table of operations that wait for the worker. There are two kinds, in one order. Reads do not know *queued* operations: as
 * long as some wait, reads and direct writes are refused, except reads that may be stale. *Deltas* count as written: reads apply
 * them to what they see (`queue/overlay.ts`), and direct writes first bring them into the trees (`queue/folding.ts`), so nobody
 * has to wait for the worker.
 */
import { getConvexSize, getDocumentSize, v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { Operation } from "../interface/operation.js";
import { aggregateError } from "../interface/errors.js";
import type { Readings } from "../reading/readings.js";

/** An entry has at most this many operations, and this many bytes unless its first operation has more. */
const maxEntryOperations = 512;
const maxEntryBytes = 100 * 1024;

/** The most deltas that a call applies. Writers help the worker long before (`deltas.ts`). */
const maxCallOperations = 8192;
const maxCallBytes = 4 * 1024 * 1024;

/** Operations of one transaction that wait. The `commitTs` of the running transaction's own entries is no `bigint` yet. */
export type PendingRow = Doc<"pendingOperations">;

/** What tells entries of one kind from others. */
export type EntryKind = Pick<PendingRow, "deltas" | "generation">;

/** What the worker is told of: the operations that one transaction has appended together. */
export type QueueEntry = Infer<typeof queueEntry>;
export const queueEntry = v.object({ id: v.id("pendingOperations"), commitTs: v.int64() });

/** The oldest entries, whether there are others behind them, and whether there are deltas among them. */
export type QueueBatch = Infer<typeof queueBatch>;
export const queueBatch = v.object({
  entries: v.array(queueEntry),
  hasMore: v.boolean(),
  hasDeltas: v.boolean(),
});

/** Whether operations wait. @throws Missing */
export function isPending(readings: Readings): boolean {
  const { db, native } = readings;
  const name = "pending operations";
  if (native !== null) return readings.take(name, () => native.count("pendingOperations")) > 0;
  return readings.read(name, () => db.query("pendingOperations").first()) !== null;
}

/**
 * The deltas that wait, in their order; with `stale`, only those before the first queued operation.
 * @throws Missing
 * @throws PENDING_OPERATIONS when queued operations wait, or more deltas than a call can apply.
 */
export function pendingDeltas(readings: Readings, stale: boolean): readonly PendingRow[] {
  const { db, native } = readings;
  if (native !== null && !isPending(readings)) return [];
  return readings.read("deltas", () => readDeltas(db, stale));
}

async function readDeltas(db: DatabaseReader, stale: boolean): Promise<PendingRow[]> {
  const committed: PendingRow[] = [];
  const own: PendingRow[] = [];
  let operations = 0;
  let bytes = 0;
  for await (const row of db.query("pendingOperations").withIndex("by_commitTs")) {
    if (row.deltas !== true) {
      if (stale) break;
      throw refusal(
        "The aggregate has queued writes: until they are applied, read with `stale` and write with `async`.",
      );
    }
    operations += row.operations.length;
    bytes += getDocumentSize(row);
    if (operations > maxCallOperations || bytes > maxCallBytes) {
      throw refusal(
        "The aggregate has more deltas than a call can take up: its worker is behind, try again.",
      );
    }
    // Entries without a timestamp come last, wherever the index puts them.
    (typeof row.commitTs === "bigint" ? committed : own).push(row);
  }
  return [...committed, ...own];
}

/** Appends operations, behind what the transaction has appended so far: `newest` is the latest entry of that. */
export async function appendPending(
  db: DatabaseWriter,
  newest: PendingRow | undefined,
  operations: readonly Operation[],
  kind: EntryKind = {},
): Promise<void> {
  const { commitTs } = db.vars;
  let rest = [...operations];
  if (newest !== undefined && isOfKind(newest, kind)) {
    const { filled, left } = fill(newest, rest);
    if (left.length < rest.length) await db.patch("pendingOperations", newest._id, { operations: filled });
    rest = left;
  }
  for (const some of inEntries(rest)) {
    await db.insert("pendingOperations", { commitTs, operations: some, ...kind });
  }
}

/** Operations in parts, each of which fits into an entry. */
export function* inEntries(operations: readonly Operation[]): Iterable<Operation[]> {
  for (let rest = [...operations]; rest.length > 0;) {
    const { filled, left } = fill({ operations: [] }, rest);
    yield filled;
    rest = left;
  }
}

/**
 * The entries that the transaction itself has appended, newest first. Nobody else writes there, so reading them conflicts with
 * nothing.
 */
export function ownRows(db: DatabaseWriter, take: number): Promise<PendingRow[]> {
  const { commitTs } = db.vars;
  return db
    .query("pendingOperations")
    .withIndex("by_commitTs", (q) => q.eq("commitTs", commitTs))
    .order("desc")
    .take(take);
}

function isOfKind(a: EntryKind, b: EntryKind): boolean {
  return a.deltas === b.deltas && a.generation === b.generation;
}

/** Adds as many operations to an entry as it has room for; an empty one takes the first, however large. */
function fill(
  entry: Pick<PendingRow, "operations">,
  operations: Operation[],
): { filled: Operation[]; left: Operation[] } {
  let bytes = getConvexSize(entry.operations);
  let taken = 0;
  for (const operation of operations) {
    const count = entry.operations.length + taken;
    bytes += getConvexSize(operation);
    if (count > 0 && (count >= maxEntryOperations || bytes > maxEntryBytes)) break;
    taken++;
  }
  return { filled: [...entry.operations, ...operations.slice(0, taken)], left: operations.slice(taken) };
}

/** Takes operations off an entry: `rest` is what is left of it. */
export async function takeOff(
  db: DatabaseWriter,
  id: Id<"pendingOperations">,
  rest: Operation[],
): Promise<void> {
  if (rest.length === 0) await db.delete("pendingOperations", id);
  else await db.patch("pendingOperations", id, { operations: rest });
}

/** Makes a dead letter of an operation. */
export async function bury(
  db: DatabaseWriter,
  operation: Operation,
  commitTs: bigint,
  error: string,
): Promise<void> {
  console.error(`[aggregate] a pending ${operation.type} was refused and is a dead letter now: ${error}`);
  await db.insert("deadLetterOperations", { commitTs, operation, error });
}

function refusal(message: string): Error {
  return aggregateError("PENDING_OPERATIONS", message);
}
