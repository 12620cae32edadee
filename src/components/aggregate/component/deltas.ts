/**
 * Deltas are writes that are appended beside the trees, where no two writers conflict. Reads add them in (`queue/overlay.ts`), so
 * they count at once. A writer changes nothing that another one reads or writes: it appends entries of its own, and looks up in
 * a snapshot, with which no commit conflicts, whether the worker runs and whether it needs help.
 *
 * Operations that may be refused are checked in the same snapshot. What looks wrong there is checked again in the present, and
 * refused if it is wrong; only then the writer may conflict with others. An operation that went wrong since the snapshot is found
 * when it is folded, and becomes a dead letter.
 */
import { v, type Infer } from "convex/values";
import { nativeStoreOf } from "../../../seams/index.js";
import { internal } from "./_generated/api.js";
import {
  internalQuery,
  mutation,
  type DatabaseReader,
  type DatabaseWriter,
  type MutationCtx,
} from "./_generated/server.js";
import { operations, type Operation } from "./interface/operation.js";
import { foldEntries } from "./queue/folding.js";
import { forestOf, unmanaged } from "./forest/forest.js";
import { checkSize, namespacesOf } from "./forest/operations.js";
import { applyDeltas, overlay, type Refusal } from "./queue/overlay.js";
import { appendPending, isPending, ownRows, pendingDeltas, type PendingRow } from "./queue/pending.js";
import { giveSign, isLate, isRunning, progressIn, signCell, signCodec } from "./worker.js";
import { flagCodec, readFrom, type Readings } from "./reading/readings.js";

/** An entry that waits for longer shows that the worker is lost, or cannot keep up. */
const maxLagMs = 10_000;

/** Where several processes write, one of this many writers has the worker looked after while it is late. */
const writersPerRelief = 64;

/** How many operations a writer folds when the worker is behind. */
const helpOperations = 128;

/** The cell that holds whether writes are deltas, because every write asks for it. Elsewhere a document holds it. */
const modeCell = "deltas";

/** How many entries of its own transaction a writer looks at. */
const ownEntries = 16;

/** Sets whether writes are deltas from now on, unless their class says otherwise. Operations that wait stay what they are. */
export const configure = mutation({
  args: { enabled: v.boolean() },
  returns: v.null(),
  handler: async (ctx, { enabled }) => {
    await setDeltas(ctx.db, enabled);
    return null;
  },
});

/**
 * Whether writes are appended as deltas, unless their class says otherwise. Where nobody has said so, a managed aggregate takes
 * deltas on a storage that several processes write to: it refuses no operation for what is there, so nothing is lost by that.
 * @throws Missing
 */
export function usesDeltas(readings: Readings, isManaged: boolean): boolean {
  const { db, native } = readings;
  if (native !== null) return readings.cell(flagCodec, modeCell) ?? (isManaged && native.hasConflicts);
  return readings.read("settings", () => db.query("settings").first())?.deltas ?? false;
}

/** Sets whether writes are appended as deltas. */
async function setDeltas(db: DatabaseWriter, deltas: boolean): Promise<void> {
  const native = nativeStoreOf(db);
  if (native !== null) {
    native.cells(flagCodec).set(modeCell, deltas);
    return;
  }
  const settings = await db.query("settings").first();
  if (settings === null) await db.insert("settings", { deltas });
  else if (settings.deltas !== deltas) await db.patch("settings", settings._id, { deltas });
}

/** What a snapshot shows to a writer. */
type Look = Infer<typeof seen>;
const seen = v.object({
  /** Whether the worker runs. */
  isRunning: v.boolean(),
  /** Whether the worker needs help. */
  isBehind: v.boolean(),
  /** Whether some of the writer's operations would be refused. */
  isSuspicious: v.boolean(),
});

/** Tells a writer what it has to know of the worker and of other writers. It is run on a snapshot. */
export const look = internalQuery({
  args: { operations, own: operations },
  returns: seen,
  handler: async (ctx, { operations, own }) => ({
    ...(await workerIn(ctx.db)),
    isSuspicious: (await findRefusal(ctx.db, operations, own)) !== null,
  }),
});

/**
 * Appends operations beside the trees.
 * @param generation The generation of a managed aggregate, whose operations are not refused for what is there.
 * @throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE
 */
export async function appendDeltas(
  ctx: MutationCtx,
  operations: readonly Operation[],
  generation?: number,
): Promise<void> {
  if (operations.length === 0) return;
  for (const operation of operations) checkSize(operation);
  const own = await ownRows(ctx.db, ownEntries);
  const isFirst = own.length === 0;
  const isStrict = generation === undefined && operations.some(({ type }) => mayBeRefused(type));
  const seen = isFirst || isStrict ? await lookAround(ctx, isStrict ? [...operations] : [], own) : null;
  const kind = { deltas: true, ...(generation === undefined ? {} : { generation }) };
  await appendPending(ctx.db, own[0], operations, kind);
  if (!isFirst || seen === null) return;
  if (!seen.isRunning) {
    await ctx.scheduler.runAfter(0, internal.worker.begin, {});
    giveSign(ctx.db, Date.now());
  }
  if (seen.isBehind) await help(ctx);
}

/** Looks into the snapshot. @throws DELETE_MISSING_KEY, DUPLICATE_KEY when the present confirms what the snapshot shows */
async function lookAround(
  ctx: MutationCtx,
  operations: Operation[],
  rows: readonly PendingRow[],
): Promise<Look> {
  const own = operations.length === 0 ? [] : about(operations, rows);
  const seen = await ctx.runQuery(internal.deltas.look, { operations, own }, { useStaleSnapshot: true });
  if (seen.isSuspicious) {
    const error = await findRefusal(ctx.db, operations, []);
    if (error !== null) throw error;
  }
  return seen;
}

/**
 * Folds the oldest entries in the writer's own transaction, so that writers slow down when the worker cannot keep up. Where
 * several processes write, this would refuse the worker's work, and that of other writers: there the worker is begun anew,
 * because the process that ran it may be gone.
 */
async function help(ctx: MutationCtx): Promise<void> {
  if (nativeStoreOf(ctx.db)?.hasConflicts === true) {
    if (Math.random() * writersPerRelief < 1) await ctx.scheduler.runAfter(0, internal.worker.relieve, {});
    return;
  }
  const { entries } = await ctx.runQuery(internal.queue.nextBatch, {}, { useStaleSnapshot: true });
  await foldEntries(ctx, entries, helpOperations);
}

/** Whether the worker runs, and whether it needs help. */
async function workerIn(db: DatabaseReader): Promise<Pick<Look, "isRunning" | "isBehind">> {
  const native = nativeStoreOf(db);
  if (native?.hasConflicts === true) {
    // One cell tells, which is read from the cache.
    const sign = await native.cells(signCodec).get(signCell);
    const isRunning = sign !== undefined;
    return { isRunning, isBehind: isRunning && isLate(sign) };
  }
  return { isRunning: await isRunning(db), isBehind: await isBehind(db) };
}

/** True when more waits than the worker takes at once, or when something has waited for too long. */
async function isBehind(db: DatabaseReader): Promise<boolean> {
  if (!(await readFrom(db, isPending))) return false;
  if ((await progressIn(db))?.isBehind === true) return true;
  const oldest = await db.query("pendingOperations").withIndex("by_commitTs").first();
  return oldest !== null && oldest._creationTime < Date.now() - maxLagMs;
}

/** What the transaction itself has appended about the same ids, in its order, because a snapshot does not show that. */
function about(operations: readonly Operation[], newestFirst: readonly PendingRow[]): Operation[] {
  const ids = new Set(operations.map(({ id }) => id));
  return newestFirst
    .toReversed()
    .flatMap((row) => row.operations)
    .filter(({ id }) => ids.has(id));
}

/** The error of the first operation that would be refused after everything that waits and `own`; null when none would be. */
async function findRefusal(
  db: DatabaseReader,
  operations: readonly Operation[],
  own: readonly Operation[],
): Promise<Error | null> {
  if (operations.length === 0) return null;
  const all = [...own, ...operations];
  const refusals: Refusal[] = [];
  await readFrom(db, (readings) => {
    const forest = forestOf(readings, unmanaged);
    overlay(readings, forest, pendingDeltas(readings, true), all.flatMap(namespacesOf));
    applyDeltas(forest, all, refusals);
  });
  return refusals.slice(own.length).find((refusal) => refusal !== null) ?? null;
}

/** Whether an operation may be refused for the items that are there. */
function mayBeRefused(type: Operation["type"]): boolean {
  return type !== "put" && type !== "deleteIfExists";
}
