/**
 * Removes a tree in parts, some nodes at a time, from the bottom at its right edge. What is left hangs together, so the next part
 * finds where to go on, and nothing has to be remembered in between. A tree that was partly removed cannot be read any more.
 */
import { isLeaf, type NodeRef } from "./node.js";
import type { NodeStore } from "./node-store.js";

/** How many nodes were removed, and whether nothing is left. */
export interface Removal {
  readonly removed: number;
  readonly isGone: boolean;
}

/**
 * Removes nodes below a node, and at last the node itself, until `most` are removed. In a damaged tree, a node counts as removed
 * when it is missing, or is not on a level below its parent. O(removed).
 */
export function removeSome(nodes: NodeStore, ref: NodeRef, most: number): Removal {
  const budget = { left: most };
  const isGone = takeDown(nodes, ref, Infinity, budget);
  return { removed: most - budget.left, isGone };
}

function takeDown(nodes: NodeStore, ref: NodeRef, parentLevel: number, budget: { left: number }): boolean {
  if (budget.left <= 0) return false;
  const node = nodes.find(ref);
  if (node === null || node.level >= parentLevel) return true;
  if (!isLeaf(node)) {
    const refs = node.children.map((child) => child.ref);
    nodes.expect(refs.slice(-budget.left));
    let kept = refs.length;
    while (kept > 0 && takeDown(nodes, refs[kept - 1] as NodeRef, node.level, budget)) kept--;
    if (kept > 0) {
      const edited = nodes.edit(ref);
      if (!isLeaf(edited)) edited.children = edited.children.slice(0, kept);
      return false;
    }
  }
  nodes.remove(ref);
  budget.left--;
  return true;
}
