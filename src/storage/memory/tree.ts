/** The ordered map beneath the memory storage, with clones that share what neither side has changed since. */
import sortedBtree from "sorted-btree";

// The package is CommonJS: Node imports its exports object, test runners and bundlers its default export.
const BTree: typeof sortedBtree.default = "default" in sortedBtree ? sortedBtree.default : sortedBtree;

/** Keys and values in key order; `clone` is O(1) and makes later writes copy the nodes they touch. */
export type Tree = InstanceType<typeof BTree<string, string>>;

export function emptyTree(): Tree {
  return new BTree<string, string>(undefined, compareKeys);
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
