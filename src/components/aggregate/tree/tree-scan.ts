/** Lists the items of a range in either order, a page at a time. */
import { clip, isWhole, itemsIn, spanOf, type CountedTree, type Span } from "./counted-tree.js";
import { isLeaf, type Branch, type Child, type Node } from "./node.js";
import type { OrderRange } from "./range.js";
import type { Item } from "./summary.js";

export type Order = "asc" | "desc";

/** Up to `limit` items of a range, first to last in the order asked for. O(log n + limit). */
export function scanRange(tree: CountedTree, range: OrderRange, order: Order, limit: number): Item[] {
  const found: Item[] = [];
  if (range.end === null || range.start < range.end) {
    scanBelow({ tree, order, limit, found }, tree.nodes.get(tree.state.root), range);
  }
  return found;
}

interface Scan {
  readonly tree: CountedTree;
  readonly order: Order;
  readonly limit: number;
  readonly found: Item[];
}

function scanBelow(scan: Scan, node: Node, range: OrderRange): void {
  const { found, limit } = scan;
  if (isLeaf(node)) {
    const { from, to } = itemsIn(node, range);
    const room = limit - found.length;
    if (scan.order === "asc") found.push(...node.items.slice(from, Math.min(to, from + room)));
    else found.push(...node.items.slice(Math.max(from, to - room), to).reverse());
    return;
  }
  const span = spanOf(node, range);
  const indexes = inOrder(span, scan.order);
  expectChildren(scan, node, span, indexes);
  for (const index of indexes) {
    if (found.length >= limit) return;
    scanBelow(scan, scan.tree.nodes.get((node.children[index] as Child).ref), clip(range, span, index));
  }
}

function inOrder(span: Span, order: Order): number[] {
  const indexes: number[] = [];
  for (let index = span.first; index <= span.last; index++) indexes.push(index);
  return order === "asc" ? indexes : indexes.reverse();
}

/** Announces the children that the rest of the page will come from, as far as their counts tell. */
function expectChildren(scan: Scan, branch: Branch, span: Span, indexes: readonly number[]): void {
  const room = scan.limit - scan.found.length;
  const wanted: Child[] = [];
  let certain = 0;
  for (const index of indexes) {
    if (certain >= room) break;
    const child = branch.children[index] as Child;
    // Of a child at the range's end any part may lie within, also none.
    if (isWhole(span, index)) certain += child.summary?.count ?? room;
    wanted.push(child);
  }
  scan.tree.nodes.expect(wanted.map((child) => child.ref));
}
