/**
 * A counted B+ tree: items in leaves, and in every branch the summary of what stands below each child. This file holds
 * what a tree is made of and how it is searched by position and by offset; `tree-fold.ts` sums up ranges,
 * `tree-scan.ts` lists them, `tree-write.ts` changes the tree, `tree-check.ts` checks it.
 *
 * A lazy root keeps no summaries of its children. Then changes below different children of the root write no node in
 * common, and may commit at the same time; the price is that reads which need those counts visit the children.
 *
 * Fill: an entry weighs its share of `maxNodeSize` or of `maxNodeBytes`, whichever is larger. No node weighs more than
 * a whole, and none but the root less than a quarter. The lower bound is not a half, so that ascending keys leave
 * nodes three quarters full, and an insert and delete at a boundary do not split and merge in turn.
 */
import { ConvexError } from "convex/values";
import {
  childBytes,
  childBytesBound,
  childBytesMost,
  childIndex,
  countBelow,
  countsOf,
  isLeaf,
  newLeaf,
} from "./node.js";
import { itemBytes, itemBytesBound, itemIndex, summarize } from "./node.js";
import type { Branch, Child, Leaf, Node, NodeRef } from "./node.js";
import type { NodeStore } from "./node-store.js";
import type { OrderRange } from "./range.js";
import type { Item, Summary } from "./summary.js";

/** What is stored of a tree beside its nodes. */
export interface TreeState {
  root: NodeRef;
  /** The most items or children of a node; even, from 4 to 4096. */
  readonly maxNodeSize: number;
  rootLazy: boolean;
}

/** A tree: its state, and the store that has its nodes. */
export interface CountedTree {
  readonly nodes: NodeStore;
  readonly state: TreeState;
}

/** With the columns that each entry adds, a node of this size stays well below 1 MiB, the largest document of Convex. */
const maxNodeBytes: number = 768 * 1024;

/** An item's key, id and values may take up an eighth of a node, so that every node can be split evenly. */
const maxItemBytes: number = maxNodeBytes / 8;

/** Refuses an item that is too large; where a table is aggregated, its id is that of the document. @throws ITEM_TOO_LARGE */
export function assertFits(item: Item): void {
  if (itemBytesBound(item) <= maxItemBytes) return;
  const bytes = itemBytes(item);
  if (bytes <= maxItemBytes) return;
  const { id } = item.position;
  const message = `the key, id and values of the item ${id} take up ${bytes} bytes; ${maxItemBytes} is the most`;
  throw new ConvexError({ code: "ITEM_TOO_LARGE", message, id });
}

export const minMaxNodeSize = 4;
export const maxMaxNodeSize = 4096;

/** Whether a node keeps no summaries of its children. */
export function isLazyRoot({ state }: CountedTree, ref: NodeRef): boolean {
  return state.rootLazy && ref === state.root;
}

/** The first node of a new tree. */
export function emptyLeaf(): Leaf {
  return newLeaf([]);
}

/** The weight of a full node of this tree; see `entryWeights`. */
export function fullWeight(tree: CountedTree): number {
  return tree.state.maxNodeSize * maxNodeBytes;
}

/** What each entry of a node weighs, in whole units of which a full node has `fullWeight`. O(size). */
export function entryWeights(tree: CountedTree, node: Node): number[] {
  const { state } = tree;
  return isLeaf(node)
    ? node.items.map((item) => weighItem(state, item))
    : node.children.map((child) => weighChild(state, child));
}

/** What all entries of a node weigh together. O(size). Every write asks, so the loop allocates nothing. */
export function nodeWeight(tree: CountedTree, node: Node): number {
  const { state } = tree;
  let weight = 0;
  if (isLeaf(node)) for (const item of node.items) weight += weighItem(state, item);
  else for (const child of node.children) weight += weighChild(state, child);
  return weight;
}

function weighItem({ maxNodeSize }: TreeState, item: Item): number {
  const isSmall = itemBytesBound(item) * maxNodeSize <= maxNodeBytes;
  return isSmall ? maxNodeBytes : Math.max(maxNodeBytes, itemBytes(item) * maxNodeSize);
}

function weighChild({ maxNodeSize }: TreeState, child: Child): number {
  const isSmall = childBytesBound(child) * maxNodeSize <= maxNodeBytes;
  return isSmall ? maxNodeBytes : Math.max(maxNodeBytes, childBytes(child) * maxNodeSize);
}

/** Whether a child weighs the same whatever its summary says. */
export function isSteady({ state }: CountedTree, child: Child): boolean {
  return childBytesMost(child) * state.maxNodeSize <= maxNodeBytes;
}

/** The item at an exact position, or null. O(log n). */
export function findItem(tree: CountedTree, order: string): Item | null {
  let node = tree.nodes.get(tree.state.root);
  while (!isLeaf(node)) node = tree.nodes.get((node.children[childIndex(node, order)] as Child).ref);
  const item = node.items[itemIndex(node, order)];
  return item !== undefined && item.position.order === order ? item : null;
}

/** The leaf that holds a position, or would. O(log n). */
export function leafOf(tree: CountedTree, order: string): NodeRef {
  let ref = tree.state.root;
  for (let node = tree.nodes.get(ref); !isLeaf(node); node = tree.nodes.get(ref)) {
    ref = (node.children[childIndex(node, order)] as Child).ref;
  }
  return ref;
}

/** The summary of a child, which below a lazy root is the fold of the child's own entries. */
export function summaryOfChild(tree: CountedTree, child: Child): Summary {
  return child.summary ?? summarize(tree.nodes.get(child.ref));
}

/** How many items stand below the child of a branch that has this index. */
export function countOfChild(tree: CountedTree, branch: Branch, index: number): number {
  return countsOf(branch)[index] ?? countBelow(tree.nodes.get((branch.children[index] as Child).ref));
}

/**
 * Which children of a branch a range meets, and whether it covers the first and the last of them wholly.
 * Empty (`first > last`) only when the range is.
 */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly startsWithin: boolean;
  readonly endsWithin: boolean;
}

/** The span of a range among the children of a branch. O(log size). */
export function spanOf(branch: Branch, { start, end }: OrderRange): Span {
  const { children } = branch;
  const first = start === "" ? 0 : childIndex(branch, start);
  let last = end === null ? children.length - 1 : childIndex(branch, end);
  let endsWithin = end !== null;
  // A range that ends where a child begins has nothing of it.
  if (end !== null && last > first && (children[last] as Child).low.order === end) {
    last--;
    endsWithin = false;
  }
  return { first, last, startsWithin: start > (children[first] as Child).low.order, endsWithin };
}

/** The part of a range that lies below the child at an index of its span. */
export function clip(range: OrderRange, span: Span, index: number): OrderRange {
  return {
    start: index === span.first && span.startsWithin ? range.start : "",
    end: index === span.last && span.endsWithin ? range.end : null,
  };
}

/** Whether the child at an index of its span lies wholly within the range. */
export function isWhole(span: Span, index: number): boolean {
  return !(index === span.first && span.startsWithin) && !(index === span.last && span.endsWithin);
}

/**
 * The item that has `offset` others of the range before it, or after it when `fromEnd`. Otherwise by how much the
 * offset exceeds the range's count, counted from 0. O(log n).
 */
export function itemAtOffset(
  tree: CountedTree,
  range: OrderRange,
  offset: number,
  fromEnd: boolean,
): { item: Item } | { exceededBy: number } {
  const search = { tree, fromEnd, skip: offset };
  const item = selectBelow(search, tree.nodes.get(tree.state.root), range);
  return item === null ? { exceededBy: search.skip } : { item };
}

interface OffsetSearch {
  readonly tree: CountedTree;
  readonly fromEnd: boolean;
  /** How many items are still to be passed over. */
  skip: number;
}

function selectBelow(search: OffsetSearch, node: Node, range: OrderRange): Item | null {
  if (isLeaf(node)) return selectInLeaf(search, node, range);
  const { tree, fromEnd } = search;
  const span = spanOf(node, range);
  expectUnsummed(tree, node, span);
  for (let step = 0; step <= span.last - span.first; step++) {
    const index = fromEnd ? span.last - step : span.first + step;
    const child = node.children[index] as Child;
    if (isWhole(span, index)) {
      const count = countOfChild(tree, node, index);
      if (search.skip >= count) {
        search.skip -= count;
        continue;
      }
    }
    const item = selectBelow(search, tree.nodes.get(child.ref), clip(range, span, index));
    if (item !== null) return item;
  }
  return null;
}

function selectInLeaf(search: OffsetSearch, leaf: Leaf, range: OrderRange): Item | null {
  const { from, to } = itemsIn(leaf, range);
  const count = Math.max(0, to - from);
  if (search.skip < count) {
    return leaf.items[search.fromEnd ? to - 1 - search.skip : from + search.skip] as Item;
  }
  search.skip -= count;
  return null;
}

/** The items of a leaf that lie in a range: `from` up to but not including `to`; none when the range is empty. */
export function itemsIn(leaf: Leaf, { start, end }: OrderRange): { from: number; to: number } {
  return {
    from: start === "" ? 0 : itemIndex(leaf, start),
    to: end === null ? leaf.items.length : itemIndex(leaf, end),
  };
}

/** Announces all children of a span that have to be visited because their parent, a lazy root, has no summaries. */
export function expectUnsummed(tree: CountedTree, branch: Branch, span: Span): void {
  if ((branch.children[0] as Child).summary !== null) return;
  tree.nodes.expect(branch.children.slice(span.first, span.last + 1).map((child) => child.ref));
}
