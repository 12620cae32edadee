/**
 * Counts and summaries of ranges. Both walk the same way: down to the two ends of the range, taking what lies wholly
 * between them from the summaries on the way. O(log n), and nothing outside the range is read but the path to it.
 */
import {
  clip,
  countOfChild,
  expectUnsummed,
  isWhole,
  itemsIn,
  spanOf,
  summaryOfChild,
} from "./counted-tree.js";
import type { CountedTree } from "./counted-tree.js";
import { gatherMissing, throwMissing } from "./node-store.js";
import { isLeaf, type Child, type Leaf, type Node, type NodeRef } from "./node.js";
import type { OrderRange } from "./range.js";
import { SummaryFold, summaryOf, type Item, type Summary } from "./summary.js";

/** How many items of the tree lie in a range. */
export function countRange(tree: CountedTree, range: OrderRange): number {
  const counter = new Counter(tree);
  foldRange(tree, range, counter);
  return counter.count;
}

/** The summary of the items of the tree that lie in a range. */
export function summarizeRange(tree: CountedTree, range: OrderRange): Summary {
  const summarizer = new Summarizer(tree);
  foldRange(tree, range, summarizer);
  return summarizer.fold.result();
}

/** Takes up the parts of a range, from left to right. */
interface RangeVisitor {
  child(child: Child): void;
  items(leaf: Leaf, from: number, to: number): void;
}

class Counter implements RangeVisitor {
  count = 0;
  private readonly tree: CountedTree;

  constructor(tree: CountedTree) {
    this.tree = tree;
  }

  child(child: Child): void {
    this.count += countOfChild(this.tree, child);
  }

  items(_leaf: Leaf, from: number, to: number): void {
    this.count += to - from;
  }
}

class Summarizer implements RangeVisitor {
  readonly fold: SummaryFold = new SummaryFold();
  private readonly tree: CountedTree;

  constructor(tree: CountedTree) {
    this.tree = tree;
  }

  child(child: Child): void {
    this.fold.add(summaryOfChild(this.tree, child));
  }

  items(leaf: Leaf, from: number, to: number): void {
    for (let index = from; index < to; index++) this.fold.add(summaryOf(leaf.items[index] as Item));
  }
}

function foldRange(tree: CountedTree, range: OrderRange, visitor: RangeVisitor): void {
  if (range.end !== null && range.start >= range.end) return;
  foldBelow(tree, tree.nodes.get(tree.state.root), range, visitor);
}

function foldBelow(tree: CountedTree, node: Node, range: OrderRange, visitor: RangeVisitor): void {
  if (isLeaf(node)) {
    const { from, to } = itemsIn(node, range);
    if (from < to) visitor.items(node, from, to);
    return;
  }
  const span = spanOf(node, range);
  expectUnsummed(tree, node, span);
  // Both ends of the range are tried before either is waited for.
  const missing: NodeRef[] = [];
  for (let index = span.first; index <= span.last; index++) {
    const child = node.children[index] as Child;
    if (isWhole(span, index)) visitor.child(child);
    else
      gatherMissing(missing, () =>
        foldBelow(tree, tree.nodes.get(child.ref), clip(range, span, index), visitor),
      );
  }
  if (missing.length > 0) throwMissing(missing);
}
