/**
 * Changes to a tree: each descends once, changes one leaf, brings the summaries above it up to date, and mends the fill
 * of the nodes on its way (`tree-fill.ts`). All of it is O(log n). The caller makes it atomic (`settle`).
 */
import { isLazyRoot, type CountedTree } from "./counted-tree.js";
import { childIndex, isLeaf, itemIndex, summarize, type Branch, type Child, type Leaf } from "./node.js";
import type { NodeRef } from "./node.js";
import { combine, subtract, summaryOf, type Item, type Summary } from "./summary.js";
import { forgetSummaries, mendFill, type Step } from "./tree-fill.js";

/** Adds an item. False, and nothing changes, when its position is taken. */
export function insertItem(tree: CountedTree, item: Item): boolean {
  const place = descend(tree, item.position.order);
  if (place.item !== null) return false;
  insertAt(tree, place, item);
  return true;
}

/** Takes the item at a position away and returns it; null, and nothing changes, when there is none. */
export function removeItem(tree: CountedTree, order: string): Item | null {
  const place = descend(tree, order);
  const { item } = place;
  if (item === null) return null;
  editItems(tree, place).splice(place.index, 1);
  const removed = summaryOf(item);
  changeSummaries(tree, place, (summary) => subtract(summary, removed));
  mendFill(tree, place.path, place.leafRef, false);
  return item;
}

/**
 * Gives an item new values, or adds it where there is none at its position. Returns what stood there before. An item that is
 * there as it should be costs a descent and no write: those who follow the same change twice do not notice.
 */
export function putItem(tree: CountedTree, item: Item): Item | null {
  const place = descend(tree, item.position.order);
  const before = place.item;
  if (before === null) {
    insertAt(tree, place, item);
    return null;
  }
  if (hasValues(before, item) && isDigested(tree, place)) return before;
  editItems(tree, place)[place.index] = item;
  const removed = summaryOf(before);
  const added = summaryOf(item);
  changeSummaries(tree, place, (summary) => {
    const rest = subtract(summary, removed);
    return rest === null ? null : combine(rest, added);
  });
  mendFill(tree, place.path, place.leafRef, false);
  return before;
}

function hasValues({ values: before }: Item, { values }: Item): boolean {
  return before.length === values.length && before.every((value, index) => Object.is(value, values[index]));
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

function descend(tree: CountedTree, order: string): Place {
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
  return { path, leafRef: ref, index, item, atEnd: atEnd && index === node.items.length };
}

function insertAt(tree: CountedTree, place: Place, item: Item): void {
  editItems(tree, place).splice(place.index, 0, item);
  const added = summaryOf(item);
  // An unknown digest may have become known since: only the entries themselves can tell.
  changeSummaries(tree, place, (summary) => (summary.digest === null ? null : combine(summary, added)));
  mendFill(tree, place.path, place.leafRef, place.atEnd);
}

function editItems(tree: CountedTree, place: Place): Item[] {
  return (tree.nodes.edit(place.leafRef) as Leaf).items;
}

/** Brings the summaries above a changed leaf up to date, from below; a fold replaces what `change` cannot tell. */
function changeSummaries(tree: CountedTree, place: Place, change: (before: Summary) => Summary | null): void {
  for (const { ref, index } of place.path.toReversed()) {
    if (isLazyRoot(tree, ref)) return;
    const { children } = tree.nodes.edit(ref) as Branch;
    const child = children[index] as Child;
    const summary = (child.summary && change(child.summary)) ?? summarize(tree.nodes.get(child.ref));
    children[index] = { ...child, summary };
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
