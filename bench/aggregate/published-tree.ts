/**
 * Makes the tree of the published component from sorted items at once: inserting a million of them would take it a quarter of
 * an hour on this engine, and more than a day on the mock. It is a B-tree with a lazy root, as the component makes it, and its
 * nodes are about two thirds full, as random inserts leave them.
 */
import type { BenchItem } from "./items.js";
import type { Fields, Stored, StoredTree } from "./stored-tree.js";

const maxNodeSize = 16;
const minNodeSize = maxNodeSize / 2;
const filled = 11;

interface Built {
  readonly id: string;
  readonly count: number;
  readonly sum: number;
}

export function publishedTree(sorted: readonly BenchItem[]): StoredTree {
  const nodes: Stored[] = [];
  const build = (from: number, to: number, height: number): Built => {
    const count = to - from;
    const subtrees: Built[] = [];
    const own: BenchItem[] = [];
    if (height === 0) own.push(...sorted.slice(from, to));
    else {
      const children = childrenFor(count, height, count === sorted.length);
      let at = from;
      for (let child = 0; child < children; child++) {
        // One item stands between each child and the next.
        const end = from + Math.round(((count + 1) * (child + 1)) / children) - 1;
        subtrees.push(build(at, end, height - 1));
        if (child + 1 < children) own.push(sorted[end] as BenchItem);
        at = end + 1;
      }
    }
    const sum = total([...own.map((item) => item.sumValue), ...subtrees.map((subtree) => subtree.sum)]);
    const id = `node-${nodes.length}`;
    nodes.push({
      _id: id,
      items: own.map((item): Fields => ({ k: [item.key, item.id, ""], v: item.id, s: item.sumValue })),
      subtrees: subtrees.map((subtree) => subtree.id),
      aggregate: { count, sum },
    });
    return { id, count, sum };
  };
  let height = 0;
  while (filledTree(height) < sorted.length) height++;
  const { id: root } = build(0, sorted.length, height);
  delete (nodes.at(-1) as Fields)["aggregate"];
  return { nodes, trees: [{ _id: "tree", root, maxNodeSize: maxNodeSize }] };
}

/** How many items a tree of this height has when every node is filled as it should be. */
function filledTree(height: number): number {
  return (filled + 1) ** (height + 1) - 1;
}

function childrenFor(count: number, height: number, isRoot: boolean): number {
  const wanted = Math.round((count + 1) / (filledTree(height - 1) + 1));
  return Math.min(maxNodeSize + 1, Math.max(isRoot ? 2 : minNodeSize + 1, wanted));
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
