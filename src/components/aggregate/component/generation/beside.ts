/**
 * Writes that wait beside a generation that is built in bulk. The build packs what it has read of the table at many moments, and
 * then merges these writes in the order of their commits. Each of them moves its document's item from where it was before
 * the write to where it was after it, whatever is there. So it does not matter which of a document's writes the build has
 * seen already: the item that it has packed is one of those that the writes lead through, and the last of them puts the right
 * one there.
 *
 * Where transactions may conflict, nobody could see the end of a list that others append to without end. So when the build has
 * come near to it, the list is *sealed*: new writes are deltas from then on, and those wait until the list is merged.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter, MutationCtx } from "../_generated/server.js";
import { nativeStoreOf } from "../../../../seams/index.js";
import { internal } from "../_generated/api.js";
import { Forest } from "../forest/forest.js";
import { applyOperation, checkSize, visitPlaces } from "../forest/operations.js";
import type { Operation } from "../interface/operation.js";
import { inEntries } from "../queue/pending.js";
import { untilLoaded } from "../../tree/index.js";

/** Appends writes. They conflict with no others. @throws ITEM_TOO_LARGE */
export async function appendBeside(
  db: DatabaseWriter,
  generation: number,
  operations: readonly Operation[],
): Promise<void> {
  for (const operation of operations) checkSize(operation);
  const { commitTs } = db.vars;
  for (const some of inEntries(operations)) {
    await db.insert("besideOperations", { generation, commitTs, operations: some });
  }
}

/**
 * Brings the oldest writes into the trees, up to `limit` entries of them. Returns whether others may be left. It finds them in a
 * snapshot, where transactions may conflict, because a read of the end of the list would meet everybody who appends.
 */
export async function mergeBeside(
  ctx: MutationCtx,
  { generation, isSealed = false }: Doc<"generations">,
  limit: number,
): Promise<boolean> {
  const forest = new Forest(ctx.db, generation);
  if (isSealed || nativeStoreOf(ctx.db)?.hasConflicts !== true) {
    const hasMore = await mergeOldest(ctx.db, forest, limit);
    await forest.flush(ctx.db);
    return hasMore;
  }
  const ids = await ctx.runQuery(internal.bulk.beside, { generation, limit }, { useStaleSnapshot: true });
  const rows = await Promise.all(ids.map((id) => ctx.db.get("besideOperations", id)));
  await mergeRows(
    ctx.db,
    forest,
    rows.filter((row) => row !== null),
  );
  await forest.flush(ctx.db);
  return ids.length === limit;
}

/** Brings the oldest writes into a forest, which is not written yet. Returns whether others may be left. */
export async function mergeOldest(db: DatabaseWriter, forest: Forest, limit: number): Promise<boolean> {
  const rows = await oldest(db, forest.generation, limit);
  await mergeRows(db, forest, rows);
  return rows.length === limit;
}

async function mergeRows(
  db: DatabaseWriter,
  forest: Forest,
  rows: readonly Doc<"besideOperations">[],
): Promise<void> {
  const operations = rows.flatMap((row) => row.operations);
  await untilLoaded(() => visitPlaces(forest, operations));
  for (const operation of operations) await applyOperation(forest, operation);
  await Promise.all(rows.map(({ _id }) => db.delete("besideOperations", _id)));
}

/** Deletes writes that wait for a generation that was dropped, up to `limit` entries; returns true when none is left. */
export async function clearBeside(db: DatabaseWriter, generation: number, limit: number): Promise<boolean> {
  const rows = await oldest(db, generation, limit);
  for (const { _id } of rows) await db.delete("besideOperations", _id);
  return rows.length < limit;
}

export function oldest(
  db: DatabaseReader,
  generation: number,
  limit: number,
): Promise<Doc<"besideOperations">[]> {
  return db
    .query("besideOperations")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(limit);
}
