/** Which leaf a position belongs to: two trees that give the same one have a node in common, which is damage. */
import type { CountedTree } from "./counted-tree.js";
import { childIndex, isLeaf, type Child, type NodeRef } from "./node.js";

/** The leaf that holds a position, or would. O(log n). */
export function leafOf(tree: CountedTree, order: string): NodeRef {
  let ref = tree.state.root;
  for (let node = tree.nodes.get(ref); !isLeaf(node); node = tree.nodes.get(ref)) {
    ref = (node.children[childIndex(node, order)] as Child).ref;
  }
  return ref;
}
