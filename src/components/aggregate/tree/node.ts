/**
 * The nodes of a tree, as the algorithm sees them. Leaves hold the items, in order. Branches hold, per child, the
 * lowest position that may stand below it and the summary of all that does: so a read follows one path, and a parent's
 * summary of a child always equals the fold of that child's own entries. The root's children may lack a summary, which
 * keeps the root from being written by every change (see `counted-tree.ts`).
 */
import type { Position } from "./position.js";
import { sumParts } from "./exact-sum.js";
import { SummaryFold, type Item, type Summary } from "./summary.js";

/** Names a node within its store; only the store knows how. */
export type NodeRef = string | number;

/** The bottom of the tree: items in the order of their positions. */
export interface Leaf {
  readonly level: 0;
  items: Item[];
  outline?: Outline | undefined;
}

/** A node above the leaves, `level` steps up: at least two children once the tree is not empty. */
export interface Branch {
  readonly level: number;
  children: Child[];
  outline?: Outline | undefined;
  /** What the store has made of the branch, kept for the next time. Copies of the branch have it, too. */
  memo?: unknown;
}

export type Node = Leaf | Branch;

/**
 * What searches and counts look at, side by side, made when it is first needed. An entry's own order lies behind its position,
 * each somewhere else in memory, and in a large tree none of that is in the processor's cache. `NodeStore.edit` drops it, and
 * whoever changes a single entry puts the next one in its place. It is never changed itself.
 */
export interface Outline {
  /** The order of each item, or of each child's `low`. */
  readonly orders: readonly string[];
  /** How many items stand below each child; null below a lazy root. */
  readonly counts: readonly (number | null)[];
}

/** All positions below a child are at or above `low`, and below the next child's `low`. */
export interface Child {
  readonly low: Position;
  readonly ref: NodeRef;
  /** Null only in a lazy root, whose children are summed up when they are read. */
  readonly summary: Summary | null;
}

export function newLeaf(items: Item[]): Leaf {
  return { level: 0, items, outline: undefined };
}

export function newBranch(level: number, children: Child[], memo?: unknown): Branch {
  return { level, children, outline: undefined, memo };
}

/** Whether a node is a leaf. */
export function isLeaf(node: Node): node is Leaf {
  return node.level === 0;
}

/** How many items or children a node has. */
export function nodeSize(node: Node): number {
  return isLeaf(node) ? node.items.length : node.children.length;
}

/** The index of the child below which a position belongs. O(log size). */
export function childIndex(branch: Branch, order: string): number {
  const { orders } = outlineOf(branch);
  let low = 1;
  let high = orders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((orders[middle] as string) <= order) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The index of the first item at or after a position. O(log size). */
export function itemIndex(leaf: Leaf, order: string): number {
  const { orders } = outlineOf(leaf);
  let low = 0;
  let high = orders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((orders[middle] as string) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many items stand below each child of a branch; null for the children of a lazy root. */
export function countsOf(branch: Branch): readonly (number | null)[] {
  return outlineOf(branch).counts;
}

/** The outline after the order at an index, or none, was taken away, and another one, or none, put there. */
export function withOrders(
  outline: Outline | undefined,
  index: number,
  removed: number,
  ...orders: string[]
): Outline | undefined {
  if (outline === undefined) return undefined;
  const changed = outline.orders.slice();
  changed.splice(index, removed, ...orders);
  return { orders: changed, counts: outline.counts };
}

/** The outline after another number of items stand below a child. */
export function withCount(outline: Outline | undefined, index: number, count: number): Outline | undefined {
  if (outline === undefined) return undefined;
  const changed = outline.counts.slice();
  changed[index] = count;
  return { orders: outline.orders, counts: changed };
}

function outlineOf(node: Node): Outline {
  return (node.outline ??= isLeaf(node)
    ? { orders: node.items.map(({ position }) => position.order), counts: [] }
    : {
        orders: node.children.map(({ low }) => low.order),
        counts: node.children.map(({ summary }) => (summary === null ? null : summary.count)),
      });
}

/** The fold of a node's own entries. Not for a lazy root, whose children have no summaries. O(size). */
export function summarize(node: Node): Summary {
  const fold = new SummaryFold();
  if (isLeaf(node)) for (const item of node.items) fold.addItem(item);
  else for (const child of node.children) fold.add(knownSummary(child));
  return fold.result();
}

/** How many items stand below a node that is not a lazy root. O(size). */
export function countBelow(node: Node): number {
  if (isLeaf(node)) return node.items.length;
  let count = 0;
  for (const child of node.children) count += knownSummary(child).count;
  return count;
}

function knownSummary(child: Child): Summary {
  if (child.summary === null) throw new Error("a child below the root has no summary");
  return child.summary;
}

const bytesPerChild = 64;
const measureBytes = 36;
const numberBytes = 9;

/** About how many bytes an item takes up in a stored node; never less than it does. */
export function itemBytes(item: Item): number {
  return item.position.sizeBytes + numberBytes * item.values.length;
}

/** An upper bound of `itemBytes` that is cheap to compute. */
export function itemBytesBound(item: Item): number {
  return item.position.sizeBound + numberBytes * item.values.length;
}

/** About how many bytes a child takes up in a stored node; never less than it does. */
export function childBytes(child: Child): number {
  return child.low.sizeBytes + summaryBytes(child);
}

/** An upper bound of `childBytes` that is cheap to compute. */
export function childBytesBound(child: Child): number {
  return child.low.sizeBound + summaryBytes(child);
}

/** No exact sum takes up more doubles than this: the bits of all doubles in hexadecimal, and the counts beside them. */
const mostParts = 80;
/** How many measures a change may add. */
const moreMeasures = 8;

/** An upper bound of `childBytes` that holds whatever the child's summary was before a change, or is after it. */
export function childBytesMost({ low, summary }: Child): number {
  const measures = (summary?.measures.length ?? 0) + moreMeasures;
  return low.sizeBound + bytesPerChild + measures * (measureBytes + numberBytes * mostParts);
}

function summaryBytes({ summary }: Child): number {
  let bytes = bytesPerChild;
  if (summary === null) return bytes;
  for (const { sum } of summary.measures) bytes += measureBytes + numberBytes * sumParts(sum);
  return bytes;
}
