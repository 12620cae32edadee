/**
 * A counted B-tree in memory: what any aggregate could at best be, with nothing stored, nothing shared and no call to make.
 * Each branch knows the count and sum of every child. Sums are plain doubles here; nodes that lose items are not merged.
 */
import type { BenchItem } from "./items.js";

const maxNodeSize = 64;

type Node = Leaf | Branch;

interface Leaf {
  readonly items: BenchItem[];
}

interface Branch {
  readonly children: Child[];
}

interface Child {
  node: Node;
  low: BenchItem;
  count: number;
  sum: number;
}

/** How many items come before a place, and their sum. */
interface Before {
  count: number;
  sum: number;
}

export class CountedTree {
  #root: Node = { items: [] };

  insert(item: BenchItem): void {
    const right = insertInto(this.#root, item);
    if (right !== null) this.#root = { children: [childOf(this.#root), childOf(right)] };
  }

  /** Throws when the item is not there. */
  remove(item: BenchItem): void {
    removeFrom(this.#root, item);
  }

  get totals(): Before {
    return totalsOf(this.#root);
  }

  /** Of the items whose key is smaller. */
  before(key: number): Before {
    const before = { count: 0, sum: 0 };
    let node = this.#root;
    while ("children" in node) {
      let index = 0;
      for (; index + 1 < node.children.length; index++) {
        const next = node.children[index + 1] as Child;
        if (next.low.key >= key) break;
        const child = node.children[index] as Child;
        before.count += child.count;
        before.sum += child.sum;
      }
      node = (node.children[index] as Child).node;
    }
    for (const item of node.items) {
      if (item.key >= key) break;
      before.count++;
      before.sum += item.sumValue;
    }
    return before;
  }

  /** Items from an offset on, as many as there are up to the limit. */
  slice(offset: number, limit: number): BenchItem[] {
    const found: BenchItem[] = [];
    collect(this.#root, offset, limit, found);
    return found;
  }
}

function collect(node: Node, offset: number, limit: number, found: BenchItem[]): void {
  if (!("children" in node)) {
    for (let index = offset; index < node.items.length && found.length < limit; index++) {
      found.push(node.items[index] as BenchItem);
    }
    return;
  }
  let skip = offset;
  for (const child of node.children) {
    if (found.length >= limit) return;
    if (skip < child.count) collect(child.node, skip, limit, found);
    skip = Math.max(0, skip - child.count);
  }
}

/** Returns the right half when the node had to be split. */
function insertInto(node: Node, item: BenchItem): Node | null {
  if (!("children" in node)) {
    node.items.splice(placeIn(node.items, item), 0, item);
    return node.items.length > maxNodeSize ? { items: node.items.splice(maxNodeSize / 2) } : null;
  }
  const index = childFor(node.children, item);
  const child = node.children[index] as Child;
  const right = insertInto(child.node, item);
  if (right === null) {
    child.count++;
    child.sum += item.sumValue;
    if (isBefore(item, child.low)) child.low = item;
    return null;
  }
  node.children.splice(index, 1, childOf(child.node), childOf(right));
  return node.children.length > maxNodeSize ? { children: node.children.splice(maxNodeSize / 2) } : null;
}

/** Returns the value that the item had. */
function removeFrom(node: Node, item: BenchItem): number {
  if (!("children" in node)) {
    const index = placeIn(node.items, item);
    const found = node.items[index];
    if (found === undefined || isBefore(item, found)) throw new Error(`no item ${item.id} at ${item.key}`);
    node.items.splice(index, 1);
    return found.sumValue;
  }
  const index = childFor(node.children, item);
  const child = node.children[index] as Child;
  const sumValue = removeFrom(child.node, item);
  child.count--;
  child.sum -= sumValue;
  if (child.count === 0 && node.children.length > 1) node.children.splice(index, 1);
  return sumValue;
}

function childOf(node: Node): Child {
  return { node, low: lowOf(node), ...totalsOf(node) };
}

function lowOf(node: Node): BenchItem {
  return "children" in node ? (node.children[0] as Child).low : (node.items[0] as BenchItem);
}

function totalsOf(node: Node): Before {
  const parts =
    "children" in node ? node.children : node.items.map(({ sumValue }) => ({ count: 1, sum: sumValue }));
  return parts.reduce((a, b) => ({ count: a.count + b.count, sum: a.sum + b.sum }), { count: 0, sum: 0 });
}

/** The index of the first item that does not come before the one given. */
function placeIn(items: readonly BenchItem[], item: BenchItem): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle] as BenchItem, item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last child that begins at or before the item; the first when none does. */
function childFor(children: readonly Child[], item: BenchItem): number {
  let [low, high] = [1, children.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(item, (children[middle] as Child).low)) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}

function isBefore(a: BenchItem, b: BenchItem): boolean {
  return a.key < b.key || (a.key === b.key && a.id < b.id);
}
