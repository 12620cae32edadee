/**
 * Questions about several trees at once, as if their items stood in one: in the order of positions, and of the trees
 * where positions are equal. Nothing is kept for this, so writes to different trees still have nothing in common; the
 * price is that every tree is visited. With t trees of n items, O(t log n) for what folds, O(t log² n) for offsets.
 */
import { findItem, itemAtOffset, type CountedTree } from "./counted-tree.js";
import { askEach } from "./missing.js";
import { intersect, type OrderRange } from "./range.js";
import type { Item, Summary } from "./summary.js";
import { countRange, measureRange } from "./tree-fold.js";
import { scanRange, type Order } from "./tree-scan.js";

/** The part of a question that concerns one tree. */
export interface Part<Tree extends CountedTree> {
  readonly tree: Tree;
  readonly range: OrderRange;
}

/** An item, and where it was found. */
export interface Found<Tree extends CountedTree> {
  readonly tree: Tree;
  readonly item: Item;
}

/** How many items lie in the parts. */
export function countParts<Tree extends CountedTree>(parts: readonly Part<Tree>[]): number {
  let count = 0;
  askEach(parts, ({ tree, range }) => (count += countRange(tree, range)));
  return count;
}

/** Count and measures of each part; measures differ from tree to tree, so they are not added up here. */
export function measureParts<Tree extends CountedTree>(parts: readonly Part<Tree>[]): Summary[] {
  return askEach(parts, ({ tree, range }) => measureRange(tree, range));
}

/** Up to `limit` items of all parts, first to last in the order asked for. */
export function scanParts<Tree extends CountedTree>(
  parts: readonly Part<Tree>[],
  order: Order,
  limit: number,
): Found<Tree>[] {
  const lists = askEach(parts, ({ tree, range }, index) =>
    scanRange(tree, range, order, limit).map((item) => ({ tree, item, index })),
  );
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return only;
  const sign = order === "asc" ? 1 : -1;
  return lists
    .flat()
    .toSorted((a, b) => sign * (compareOrders(a.item, b.item) || a.index - b.index))
    .slice(0, limit);
}

/** The item at an offset of all parts, or by how much the offset exceeds their count; see `itemAtOffset`. */
export function itemInParts<Tree extends CountedTree>(
  parts: readonly Part<Tree>[],
  offset: number,
  fromEnd: boolean,
): Found<Tree> | { exceededBy: number } {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) {
    const found = itemAtOffset(only.tree, only.range, offset, fromEnd);
    return "item" in found ? { tree: only.tree, item: found.item } : found;
  }
  const windows = askEach(parts, ({ tree, range }) => ({ tree, range, count: countRange(tree, range) }));
  const count = total(windows.map((window) => window.count));
  if (offset >= count) return { exceededBy: offset - count };
  return selectInWindows(windows, fromEnd ? count - 1 - offset : offset);
}

/** What may still hold the item that is looked for. */
interface Window<Tree extends CountedTree> extends Part<Tree> {
  readonly count: number;
}

/**
 * Narrows the windows around a pivot: the median, weighted by the windows' counts, of the items in their middles. A
 * quarter of all items at least falls away in each round.
 */
function selectInWindows<Tree extends CountedTree>(
  windows: readonly Window<Tree>[],
  offset: number,
): Found<Tree> {
  const open = windows.filter(({ count }) => count > 0);
  const pivot = weightedMedian(
    askEach(open, ({ tree, range, count }) => ({
      order: orderAt(tree, range, Math.floor(count / 2)),
      weight: count,
    })),
  );
  const below = narrow(open, { start: "", end: pivot });
  const belowCount = total(below.map(({ count }) => count));
  if (offset < belowCount) return selectInWindows(below, offset);
  // No order is the beginning of another one, so nothing stands between an order and the same with a zero behind it.
  const afterPivot = `${pivot}\0`;
  const holders = askEach(open, ({ tree, range }) => (isWithin(pivot, range) ? findItem(tree, pivot) : null));
  const found = holders.flatMap((item, index) =>
    item === null ? [] : [{ tree: (open[index] as Window<Tree>).tree, item }],
  );
  const holder = found[offset - belowCount];
  if (holder !== undefined) return holder;
  const above = narrow(open, { start: afterPivot, end: null });
  return selectInWindows(above, offset - belowCount - found.length);
}

function narrow<Tree extends CountedTree>(
  windows: readonly Window<Tree>[],
  within: OrderRange,
): Window<Tree>[] {
  return askEach(windows, (window) => {
    const range = intersect(window.range, within);
    return { tree: window.tree, range, count: countRange(window.tree, range) };
  });
}

function isWithin(order: string, { start, end }: OrderRange): boolean {
  return order >= start && (end === null || order < end);
}

function orderAt(tree: CountedTree, range: OrderRange, offset: number): string {
  const found = itemAtOffset(tree, range, offset, false);
  if (!("item" in found)) throw new Error("a range has fewer items than were counted in it");
  return found.item.position.order;
}

function weightedMedian(candidates: readonly { order: string; weight: number }[]): string {
  const sorted = candidates.toSorted((a, b) => (a.order < b.order ? -1 : 1));
  let rest = total(sorted.map(({ weight }) => weight)) / 2;
  for (const { order, weight } of sorted) {
    rest -= weight;
    if (rest <= 0) return order;
  }
  throw new Error("no window is open");
}

function compareOrders(a: Item, b: Item): number {
  return a.position.order < b.position.order ? -1 : a.position.order === b.position.order ? 0 : 1;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
