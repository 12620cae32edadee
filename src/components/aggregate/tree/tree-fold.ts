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
  type Span,
} from "./counted-tree.js";
import type { CountedTree } from "./counted-tree.js";
import { gatherMissing, throwMissing, type Need } from "./missing.js";
import { childIndex, isLeaf, itemIndex } from "./node.js";
import type { Branch, Child, Node } from "./node.js";
import type { OrderRange } from "./range.js";
import { SummaryFold, summaryOf, type Item, type Summary } from "./summary.js";

/** How many items of the tree lie in a range. */
export function countRange(tree: CountedTree, range: OrderRange): number {
  if (range.end !== null && range.start >= range.end) return 0;
  let node = tree.nodes.get(tree.state.root);
  let rest = range;
  while (!isLeaf(node)) {
    const span = spanOf(node, rest);
    const { first, last } = span;
    if (first < last || isWhole(span, first)) return countSpan(tree, node, span, rest);
    rest = clip(rest, span, first);
    node = tree.nodes.get((node.children[first] as Child).ref);
  }
  const { from, to } = itemsIn(node, rest);
  return Math.max(0, to - from);
}

/** Counts what lies below a branch where the ends of the range part: both are tried before either is waited for. */
function countSpan(tree: CountedTree, branch: Branch, span: Span, { start, end }: OrderRange): number {
  expectUnsummed(tree, branch, span);
  const { children } = branch;
  const { first, last, startsWithin, endsWithin } = span;
  const missing: Need[] = [];
  let count = 0;
  if (startsWithin) {
    const child = children[first] as Child;
    gatherMissing(
      missing,
      () => (count += countOfChild(tree, branch, first) - countUpTo(tree, child, start)),
    );
  }
  const beforeEnd = endsWithin ? last - 1 : last;
  for (let index = startsWithin ? first + 1 : first; index <= beforeEnd; index++) {
    count += countOfChild(tree, branch, index);
  }
  if (endsWithin && end !== null) {
    gatherMissing(missing, () => (count += countUpTo(tree, children[last] as Child, end)));
  }
  if (missing.length > 0) throwMissing(missing);
  return count;
}

/** How many items below a child are before a position. */
function countUpTo(tree: CountedTree, child: Child, order: string): number {
  let count = 0;
  let node = tree.nodes.get(child.ref);
  while (!isLeaf(node)) {
    const at = childIndex(node, order);
    for (let index = 0; index < at; index++) count += countOfChild(tree, node, index);
    node = tree.nodes.get((node.children[at] as Child).ref);
  }
  return count + itemIndex(node, order);
}

/** The summary of the items of the tree that lie in a range. */
export function summarizeRange(tree: CountedTree, range: OrderRange): Summary {
  return foldRange(tree, range, true);
}

/** The same without the digest, which is not looked at then: it is null. */
export function measureRange(tree: CountedTree, range: OrderRange): Summary {
  return foldRange(tree, range, false);
}

/** Takes up the parts of a range, from left to right. */
interface Folding {
  readonly tree: CountedTree;
  readonly fold: SummaryFold;
  readonly withDigest: boolean;
}

function foldRange(tree: CountedTree, range: OrderRange, withDigest: boolean): Summary {
  const fold = new SummaryFold();
  if (range.end === null || range.start < range.end) {
    foldBelow({ tree, fold, withDigest }, tree.nodes.get(tree.state.root), range);
  }
  return fold.result();
}

function foldBelow(folding: Folding, node: Node, range: OrderRange): void {
  const { tree, fold, withDigest } = folding;
  if (isLeaf(node)) {
    const { from, to } = itemsIn(node, range);
    for (let index = from; index < to; index++) {
      const item = node.items[index] as Item;
      if (withDigest) fold.add(summaryOf(item));
      else fold.addUndigested(item);
    }
    return;
  }
  const span = spanOf(node, range);
  expectUnsummed(tree, node, span);
  // Both ends of the range are tried before either is waited for.
  const missing: Need[] = [];
  for (let index = span.first; index <= span.last; index++) {
    const child = node.children[index] as Child;
    if (isWhole(span, index)) fold.add(summaryOfChild(tree, child));
    else {
      gatherMissing(missing, () => foldBelow(folding, tree.nodes.get(child.ref), clip(range, span, index)));
    }
  }
  if (missing.length > 0) throwMissing(missing);
}
