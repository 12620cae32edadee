/**
 * Reads and builds the B-trees of `@convex-dev/aggregate`. A tree is built from the bottom up, as flat as its items allow, with
 * the items spread evenly: every node but the root is at least half full, and all leaves are equally deep, as the package keeps
 * it.
 */
import type { GenericId, Value } from "convex/values";
import { notMoved } from "./positions.js";
import type {
  PublishedItem,
  PublishedNode,
  PublishedReader,
  PublishedTree,
  PublishedWriter,
} from "./types.js";
import { namespaceField } from "../interface/operation.js";

/** A tree with all of its items, in its own order. */
export interface WholeTree {
  readonly namespace: Value | undefined;
  readonly maxNodeSize: number;
  readonly rootLazy: boolean;
  readonly items: readonly PublishedItem[];
}

type NodeId = GenericId<"btreeNode">;

/** Reads every tree. O(all nodes). */
export async function readTrees(db: PublishedReader): Promise<WholeTree[]> {
  const nodes = new Map<NodeId, PublishedNode>();
  for await (const node of db.query("btreeNode")) nodes.set(node._id, node);
  const trees: WholeTree[] = [];
  for await (const tree of db.query("btree")) trees.push(readTree(nodes, tree));
  return trees;
}

function readTree(
  nodes: ReadonlyMap<NodeId, PublishedNode>,
  { root, namespace, maxNodeSize }: PublishedTree,
): WholeTree {
  const items: PublishedItem[] = [];
  const collect = (id: NodeId): void => {
    const node = nodes.get(id);
    if (node === undefined) throw notMoved(`A tree lacks its node ${id}: it is damaged.`);
    for (const [index, item] of node.items.entries()) {
      const subtree = node.subtrees[index];
      if (subtree !== undefined) collect(subtree);
      items.push(item);
    }
    const last = node.subtrees[node.items.length];
    if (last !== undefined) collect(last);
  };
  collect(root);
  return { namespace, maxNodeSize, rootLazy: nodes.get(root)?.aggregate === undefined, items };
}

/** Stores a tree. O(items). */
export async function writeTree(
  db: PublishedWriter,
  { namespace, maxNodeSize, rootLazy, items }: WholeTree,
): Promise<void> {
  const { node } = await buildNode(db, items, heightOf(items.length, maxNodeSize), maxNodeSize, true);
  const { aggregate, ...lazy } = node;
  const root = await db.insert("btreeNode", rootLazy ? lazy : { ...lazy, ...(aggregate && { aggregate }) });
  await db.insert("btree", { root, maxNodeSize, ...namespaceField(namespace) });
}

/** The height of the flattest tree that holds so many items; 0 is a leaf. */
function heightOf(count: number, maxNodeSize: number): number {
  let height = 0;
  for (let capacity = maxNodeSize; capacity < count; height++) {
    capacity = (capacity + 1) * (maxNodeSize + 1) - 1;
  }
  return height;
}

interface BuiltNode {
  readonly node: PublishedNode;
  readonly count: number;
  readonly sum: number;
}

/** Stores what stands below a node, and describes the node. */
async function buildNode(
  db: PublishedWriter,
  items: readonly PublishedItem[],
  height: number,
  maxNodeSize: number,
  isRoot: boolean,
): Promise<BuiltNode> {
  const own: PublishedItem[] = [];
  const subtrees: NodeId[] = [];
  let count = 0;
  let sum = 0;
  if (height === 0) own.push(...items);
  else {
    const fewest = isRoot ? 2 : maxNodeSize / 2 + 1;
    const parts = Math.max(fewest, Math.ceil((items.length + 1) / (maxNodeSize + 1) ** height));
    let from = 0;
    for (let part = 0; part < parts; part++) {
      const to = Math.floor(((items.length + 1) * (part + 1)) / parts) - 1;
      const below = await buildNode(db, items.slice(from, to), height - 1, maxNodeSize, false);
      subtrees.push(await db.insert("btreeNode", below.node));
      count += below.count;
      sum += below.sum;
      const separator = items[to];
      if (separator !== undefined) own.push(separator);
      from = to + 1;
    }
  }
  count += own.length;
  for (const { s } of own) sum += s;
  return { node: { items: own, subtrees, aggregate: { count, sum } }, count, sum };
}
