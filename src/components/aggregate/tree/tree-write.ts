/**
 * Changes to a tree: each descends once, changes one leaf, brings the summaries above it up to date, and mends the fill
 * of the nodes on its way (`tree-fill.ts`). All of it is O(log n). The caller makes it atomic (`settle`).
 */
import { isLazyRoot, type CountedTree } from "./counted-tree.js";
import {
  childIndex,
  isLeaf,
  itemIndex,
  summarize,
  withCount,
  withOrders,
  type Branch,
  type Child,
  type Leaf,
  type Node,
} from "./node.js";
import type { NodeRef } from "./node.js";
import { combine, equalValues, subtract, summaryOf, type Item, type Summary } from "./summary.js";
import { forgetSummaries, mendFill, type Step } from "./tree-fill.js";

/** Is called when the nodes on the way to a place do not fit together. Looking costs O(1) for each of them. */
export type OnMisfit = () => void;

/** Adds an item. Returns false, and changes nothing, when its position is taken. */
export function insertItem(tree: CountedTree, item: Item): boolean {
  const place = descend(tree, item.position.order);
  if (place.item !== null) return false;
  insertAt(tree, place, item);
  return true;
}

/** Takes the item at a position away and returns it. Returns null, and changes nothing, when there is none. */
export function removeItem(tree: CountedTree, order: string, onMisfit?: OnMisfit): Item | null {
  const place = descend(tree, order, onMisfit);
  const { item } = place;
  if (item === null) return null;
  changeLeaf(tree, place, 1);
  const removed = summaryOf(item);
  changeSummaries(tree, place, (summary) => subtract(summary, removed));
  mendFill(tree, place.path, place.leafRef, false);
  return item;
}

/**
 * Gives an item new values, or adds it where there is none at its position. Returns what stood there before. An item that is
 * there as it should be costs a descent and no write, so following the same change twice costs little.
 */
export function putItem(tree: CountedTree, item: Item, onMisfit?: OnMisfit): Item | null {
  const place = descend(tree, item.position.order, onMisfit);
  const before = place.item;
  if (before === null) {
    insertAt(tree, place, item);
    return null;
  }
  if (equalValues(before, item) && isDigested(tree, place)) return before;
  changeLeaf(tree, place, 1, item);
  const removed = summaryOf(before);
  const added = summaryOf(item);
  changeSummaries(tree, place, (summary) => {
    const rest = subtract(summary, removed);
    return rest === null ? null : combine(rest, added);
  });
  mendFill(tree, place.path, place.leafRef, false);
  return before;
}

/** False when a summary above a place lacks a digest that may be known by now. */
function isDigested(tree: CountedTree, { path }: Place): boolean {
  return path.every(({ ref, index }) => {
    const child = (tree.nodes.get(ref) as Branch).children[index];
    return child?.summary?.digest !== null;
  });
}

/** Where a position is, or belongs. */
interface Place {
  /** The branches above the leaf, root first. */
  readonly path: readonly Step[];
  readonly leafRef: NodeRef;
  readonly index: number;
  /** What stands at the position. */
  readonly item: Item | null;
  /** True when the position is after every item of the tree. */
  readonly atEnd: boolean;
}

function descend(tree: CountedTree, order: string, onMisfit?: OnMisfit): Place {
  const path: Step[] = [];
  let ref = tree.state.root;
  let node = tree.nodes.get(ref);
  let atEnd = true;
  while (!isLeaf(node)) {
    const index = childIndex(node, order);
    atEnd &&= index === node.children.length - 1;
    path.push({ ref, index });
    ref = (node.children[index] as Child).ref;
    node = tree.nodes.get(ref);
  }
  const index = itemIndex(node, order);
  const candidate = node.items[index];
  const item = candidate !== undefined && candidate.position.order === order ? candidate : null;
  const place = { path, leafRef: ref, index, item, atEnd: atEnd && index === node.items.length };
  if (onMisfit !== undefined && !fits(tree, place, order)) onMisfit();
  return place;
}

/** Whether the nodes on the way to a place fit together, as far as these nodes tell; `checkTree` compares all. */
function fits(tree: CountedTree, { path, leafRef, index, item }: Place, order: string): boolean {
  const leaf = tree.nodes.get(leafRef) as Leaf;
  let below: Node = leaf;
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const step = path[depth] as Step;
    const branch = tree.nodes.get(step.ref) as Branch;
    if (!fitsBelow(branch, step.index, below)) return false;
    below = branch;
  }
  const left = leaf.items[index - 1];
  const right = leaf.items[item === null ? index : index + 1];
  return (
    (left === undefined || left.position.order < order) &&
    (right === undefined || right.position.order > order)
  );
}

/** Whether a child stands between its neighbours, and is what its parent says of it. */
function fitsBelow({ children, level }: Branch, index: number, node: Node): boolean {
  const { ref, low, summary } = children[index] as Child;
  if (node.level !== level - 1) return false;
  const left = children[index - 1];
  if (left !== undefined && (left.ref === ref || left.low.order >= low.order)) return false;
  const right = children[index + 1];
  if (right !== undefined && (right.ref === ref || right.low.order <= low.order)) return false;
  if (!isLeaf(node)) return node.children[0]?.low.order === low.order;
  const { items } = node;
  if (summary !== null && summary.count !== items.length) return false;
  const first = items[0];
  const last = items[items.length - 1];
  if (first === undefined || last === undefined) return true;
  return first.position.order >= low.order && (right === undefined || last.position.order < right.low.order);
}

function insertAt(tree: CountedTree, place: Place, item: Item): void {
  changeLeaf(tree, place, 0, item);
  const added = summaryOf(item);
  // An unknown digest may have become known since: only the entries themselves can tell.
  changeSummaries(tree, place, (summary) => (summary.digest === null ? null : combine(summary, added)));
  mendFill(tree, place.path, place.leafRef, place.atEnd);
}

/** Takes the item at a place away, or none, and puts another one there, or none. */
function changeLeaf(
  tree: CountedTree,
  { leafRef, index }: Place,
  removed: 0 | 1,
  ...items: [] | [Item]
): void {
  const { outline } = tree.nodes.get(leafRef);
  const leaf = tree.nodes.edit(leafRef) as Leaf;
  leaf.items.splice(index, removed, ...items);
  leaf.outline = withOrders(outline, index, removed, ...items.map(({ position }) => position.order));
}

/** Brings the summaries above a changed leaf up to date, from below; a fold replaces what `change` cannot tell. */
function changeSummaries(tree: CountedTree, place: Place, change: (before: Summary) => Summary | null): void {
  for (const { ref, index } of place.path.toReversed()) {
    if (isLazyRoot(tree, ref)) return;
    const { outline } = tree.nodes.get(ref);
    const branch = tree.nodes.edit(ref) as Branch;
    const child = branch.children[index] as Child;
    const summary = (child.summary && change(child.summary)) ?? summarize(tree.nodes.get(child.ref));
    branch.children[index] = { ...child, summary };
    branch.outline = withCount(outline, index, summary.count);
  }
}

/** Stops keeping summaries in the root: from then on, changes below different children of it do not touch it. */
export function makeRootLazy(tree: CountedTree): void {
  const { state, nodes } = tree;
  if (state.rootLazy) return;
  state.rootLazy = true;
  nodes.onRollback(() => (state.rootLazy = false));
  forgetSummaries(tree, state.root);
}
