/**
 * Clears what a dropped generation has left, some nodes at a time. A tree is taken down from the bottom, at its right edge:
 * what is left of it hangs together, so the next part finds where to go on, and nothing has to be remembered in between.
 */
import { isLeaf, settle, type NodeRef } from "../tree/index.js";
import type { Doc } from "./_generated/dataModel.js";
import type { DatabaseReader, MutationCtx } from "./_generated/server.js";
import { clearRuns } from "./checks.js";
import { openNodes } from "./nodes.js";
import type { StoredNodes } from "./stored_nodes.js";
import { deleteRecord, successorGeneration } from "./tree_records.js";

/** How many nodes one part deletes at most, and how many trees it looks at. */
const NODES = 500;
const TREES = 100;

/** True when nothing is left of the generation. */
export async function clearSome(ctx: MutationCtx, generation: number): Promise<boolean> {
  const { db } = ctx;
  const records = [
    ...(await recordsOf(db, generation)),
    // Of trees that were being made anew when it was dropped.
    ...(await recordsOf(db, successorGeneration(generation))),
  ];
  const store = openNodes(db);
  const budget = { nodes: NODES };
  for (const record of records) {
    if (!(await takeDown(store, record.root, budget))) break;
    await deleteRecord(db, record);
    budget.nodes--;
  }
  await store.flush(db);
  if (records.length > 0) return false;
  return clearRuns(db, generation);
}

function recordsOf(db: DatabaseReader, generation: number): Promise<Doc<"trees">[]> {
  return db
    .query("trees")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(TREES);
}

/** Removes what stands below a node, and the node; false when the budget ended before. */
async function takeDown(store: StoredNodes, ref: NodeRef, budget: { nodes: number }): Promise<boolean> {
  if (budget.nodes <= 0) return false;
  const node = await settle(store, () => store.find(ref));
  // What is missing is gone already.
  if (node === null) return true;
  if (!isLeaf(node)) {
    const left = [...node.children];
    const before = left.length;
    for (let child = left.at(-1); child !== undefined; child = left.at(-1)) {
      if (!(await takeDown(store, child.ref, budget))) break;
      left.pop();
    }
    if (left.length > 0) {
      const edited = store.edit(ref);
      if (!isLeaf(edited) && left.length < before) edited.children = left;
      return false;
    }
  }
  store.remove(ref);
  budget.nodes--;
  return true;
}
