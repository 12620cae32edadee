/**
 * Deltas: writes that are appended beside the trees, where no two writers meet, and that reads add in (`queue/overlay.ts`), so
 * that they are exact at once. A writer changes nothing that another reads or writes: it appends entries of its own, and
 * whether the worker runs, or needs help, it looks up in a snapshot, with which no commit conflicts.
 *
 * Strict operations are checked in the same snapshot. What looks wrong there is checked again in the present, and thrown;
 * only then the writer may meet others. What went wrong since the snapshot is found when it is folded: a dead letter.
 */
import { v, type Infer } from "convex/values";
import { itemBytes, maxItemBytes, Position } from "../tree/index.js";
import { internal } from "./_generated/api.js";
import { internalQuery, mutation, type DatabaseReader, type MutationCtx } from "./_generated/server.js";
import { operations, type Operation } from "./interface/operation.js";
import { itemTooLarge } from "./interface/errors.js";
import { foldEntries } from "./queue/folding.js";
import { unmanaged } from "./forest/forest.js";
import { namespacesOf } from "./forest/operations.js";
import { applyDeltas, overlayPending, type Refusal } from "./queue/overlay.js";
import { appendPending, isPending, ownRows, type PendingRow } from "./queue/pending.js";
import { setDeltas } from "./queue/settings.js";
import { isRunning, progressIn } from "./worker.js";
import { forestOf } from "./generation/forests.js";
import { readFrom } from "./native/readings.js";

/** An entry that waits for longer shows that the worker is lost, or cannot keep up. */
const maxLagMs = 10_000;

/** How many operations a writer folds when the worker is behind. */
const helpOperations = 128;

/** How many entries of its own transaction a writer looks at. */
const ownEntries = 16;

/** Whether writes are deltas from now on, unless their class says so itself. Those that wait stay what they are. */
export const configure = mutation({
  args: { enabled: v.boolean() },
  returns: v.null(),
  handler: async (ctx, { enabled }) => {
    await setDeltas(ctx.db, enabled);
    return null;
  },
});

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

/** What a writer has to know of the others, from a snapshot: whether the worker runs, and what seems to be wrong. */
export const look = internalQuery({
  args: { operations, own: operations },
  returns: seen,
  handler: async (ctx, { operations, own }) => ({
    isRunning: await isRunning(ctx.db),
    isBehind: await isBehind(ctx.db),
    isSuspicious: (await findRefusal(ctx.db, operations, own)) !== null,
  }),
});

/**
 * Appends operations beside the trees.
 * @param generation One of a managed aggregate, whose operations do not mind what is there; unmanaged when left out.
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
  if (!seen.isRunning) await ctx.scheduler.runAfter(0, internal.worker.begin, {});
  if (seen.isBehind) await help(ctx);
}

/** @throws DELETE_MISSING_KEY, DUPLICATE_KEY when the present confirms what the snapshot shows. */
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

/** Folds what is oldest, in the writer's own transaction: who writes faster than the worker folds, folds too. */
async function help(ctx: MutationCtx): Promise<void> {
  const { entries } = await ctx.runQuery(internal.queue.nextBatch, {}, { useStaleSnapshot: true });
  await foldEntries(ctx, entries, helpOperations);
}

/** True when more waits than the worker is handed at once, or something waits for too long. */
async function isBehind(db: DatabaseReader): Promise<boolean> {
  if (!(await readFrom(db, isPending))) return false;
  if ((await progressIn(db))?.isBehind === true) return true;
  const oldest = await db.query("pendingOperations").withIndex("by_commitTs").first();
  return oldest !== null && oldest._creationTime < Date.now() - maxLagMs;
}

/** What the transaction itself has appended about the same ids, in its order: a snapshot does not show it. */
function about(operations: readonly Operation[], newestFirst: readonly PendingRow[]): Operation[] {
  const ids = new Set(operations.map(({ id }) => id));
  return newestFirst
    .toReversed()
    .flatMap((row) => row.operations)
    .filter(({ id }) => ids.has(id));
}

/** Why the first of the operations that would be refused would be, after all that waits and `own`; or null. */
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
    overlayPending(readings, forest, true, () => all.flatMap(namespacesOf));
    applyDeltas(forest, all, refusals);
  });
  return refusals.slice(own.length).find((refusal) => refusal !== null) ?? null;
}

/** True when an operation is refused in the face of some items. */
function mayBeRefused(type: Operation["type"]): boolean {
  return type !== "put" && type !== "deleteIfExists";
}

/** What can be known without a look. @throws ITEM_TOO_LARGE */
function checkSize(operation: Operation): void {
  const isMove = "newKey" in operation;
  if (!isMove && operation.type !== "insert" && operation.type !== "put") return;
  const key = isMove ? operation.newKey : operation.key;
  const values = [operation.sumValue ?? null, ...Object.values(operation.sumValues ?? {})];
  const bytes = itemBytes({ position: new Position(key, operation.id), values });
  if (bytes > maxItemBytes) throw itemTooLarge(operation.id, bytes);
}
