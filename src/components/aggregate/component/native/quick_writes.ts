/**
 * Writes that need nothing but nodes which are at hand: most writes, where nodes lie in cells. They are made at once, and
 * writes that the class asks for share their trees, with the nodes that they have read and written, as long as nobody else
 * writes in the transaction.
 */
import { settleNow } from "../../tree/index.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Operation } from "../interface/operation.js";
import type { Forest } from "../forest/forest.js";
import { sharedForest } from "../generation/forests.js";
import { namespacesOf, perform } from "../forest/operations.js";
import { nothingPending } from "../queue/pending.js";

/**
 * Applies operations in order. False, and nothing has changed, when more is needed. Throws what the operations throw; then
 * nothing has changed, either.
 */
export function applyNow(ctx: MutationCtx, generation: number, operations: readonly Operation[]): boolean {
  if (!nothingPending(ctx.db)) return false;
  const forest = sharedForest(ctx, generation);
  if (!operations.flatMap(namespacesOf).every((namespace) => isAlone(forest.findNow(namespace)))) {
    return false;
  }
  return settleNow(forest.nodes, () => {
    // Drift is noted where there is time for it.
    for (const operation of operations) if (perform(forest, operation) !== null) return false;
    return forest.flushNow();
  });
}

/** True for a tree that is there, and not made anew at the same time. */
function isAlone(tree: ReturnType<Forest["findNow"]>): boolean {
  return tree !== null && tree !== undefined && tree.record?.hasSuccessor !== true;
}
