/** An ordered map by keys; `clone` is O(1) and makes later writes copy the nodes they touch. */
import sortedBtree from "sorted-btree";

// The package is CommonJS: Node imports its exports object, test runners and bundlers its default export.
const BTree: typeof sortedBtree.default = "default" in sortedBtree ? sortedBtree.default : sortedBtree;

export type KeyTree<Value> = InstanceType<typeof BTree<string, Value>>;

export function emptyKeyTree<Value>(): KeyTree<Value> {
  return new BTree<string, Value>(undefined, compareKeys);
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
