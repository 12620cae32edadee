/** Clears what a dropped generation has left, some nodes at a time. */
import { removeSome, settle } from "../../tree/index.js";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, MutationCtx } from "../_generated/server.js";
import { clearRuns } from "../check/lifecycle.js";
import { openNodes } from "../nodes/open.js";
import { deleteRecord, successorGeneration } from "../forest/records.js";

/** How many nodes one part deletes at most, and how many trees it looks at. */
const nodesPerSweep = 500;
const treesPerSweep = 250;

/** True when nothing is left of the generation. */
export async function clearSome(ctx: MutationCtx, generation: number): Promise<boolean> {
  const { db } = ctx;
  const records = [
    ...(await recordsOf(db, generation)),
    // Of trees that were being made anew when it was dropped.
    ...(await recordsOf(db, successorGeneration(generation))),
  ];
  const store = openNodes(db);
  let left = nodesPerSweep;
  for (const record of records) {
    const { removed, isGone } = await settle(store, () => removeSome(store, record.root, left));
    left -= removed;
    if (!isGone) break;
    await deleteRecord(db, record);
  }
  await store.write(db);
  if (records.length > 0) return false;
  return clearRuns(db, generation);
}

function recordsOf(db: DatabaseReader, generation: number): Promise<Doc<"trees">[]> {
  return db
    .query("trees")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(treesPerSweep);
}
