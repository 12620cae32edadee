/**
 * Writes that wait beside a generation that is built in bulk. The build packs what it has read of the table at many moments, and
 * then merges these writes in the order of their commits. Each of them moves its document's item from where it was before
 * the write to where it was after it, whatever is there. So it does not matter which of a document's writes the build has
 * seen already: the item that it has packed is one of those that the writes lead through, and the last of them puts the right
 * one there.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter, MutationCtx } from "../_generated/server.js";
import { checkSize } from "../deltas.js";
import { Forest } from "../forest/forest.js";
import { applyOperation, visitPlaces } from "../forest/operations.js";
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

/** Brings the oldest writes into the trees, up to `limit` entries of them. Returns whether others may be left. */
export async function mergeBeside(ctx: MutationCtx, generation: number, limit: number): Promise<boolean> {
  const rows = await oldest(ctx.db, generation, limit);
  const forest = new Forest(ctx.db, generation);
  const operations = rows.flatMap((row) => row.operations);
  await untilLoaded(() => visitPlaces(forest, operations));
  for (const operation of operations) await applyOperation(forest, operation);
  await forest.flush(ctx.db);
  for (const { _id } of rows) await ctx.db.delete("besideOperations", _id);
  return rows.length === limit;
}

/** Deletes writes that wait for a generation that was dropped, up to `limit` entries; returns true when none is left. */
export async function clearBeside(db: DatabaseWriter, generation: number, limit: number): Promise<boolean> {
  const rows = await oldest(db, generation, limit);
  for (const { _id } of rows) await db.delete("besideOperations", _id);
  return rows.length < limit;
}

function oldest(db: DatabaseReader, generation: number, limit: number): Promise<Doc<"besideOperations">[]> {
  return db
    .query("besideOperations")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(limit);
}
