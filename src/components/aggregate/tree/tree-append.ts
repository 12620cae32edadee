/**
 * Appends many items at the end of a tree, as builds do that have all items in order: nodes are packed from the bottom up, and
 * each level is written once for all of the items. After every call the tree is a whole one, so a build may end anywhere.
 */
import { entryWeights, fullWeight, type CountedTree } from "./counted-tree.js";
import { subtractDigests } from "./digest.js";
import {
  isLeaf,
  newBranch,
  newLeaf,
  summarize,
  type Branch,
  type Child,
  type Leaf,
  type Node,
  type NodeRef,
} from "./node.js";
import { lowestPosition } from "./position.js";
import type { Item } from "./summary.js";
import { describe, forgetSummaries, rememberSummaries } from "./tree-fill.js";

/** How full nodes are packed: what comes later finds some room, and does not split every node that it comes to. */
const packedShare = 7 / 8;

/** What was added to a tree, as its root says. */
export interface Appended {
  readonly count: number;
  /** Null while it is unknown. */
  readonly digest: number | null;
}

/**
 * Appends items, which ascend, and stand behind all that are in the tree. O(items + log n); below a lazy root it also reads the
 * root's children.
 * @throws Missing
 */
export function appendItems(tree: CountedTree, items: readonly Item[]): Appended {
  const { nodes, state } = tree;
  const { root, rootLazy } = state;
  nodes.onRollback(() => Object.assign(state, { root, rootLazy }));
  if (rootLazy) rememberSummaries(tree, root);
  state.rootLazy = false;
  const before = summarize(nodes.get(root));
  const path = rightEdge(tree);
  const leafRef = path.pop() ?? state.root;
  const leaf = nodes.edit(leafRef) as Leaf;
  assertAscending(leaf, items);
  for (const item of items) leaf.items.push(item);
  let refs = pack(tree, leafRef);
  for (let ref = path.pop(); ref !== undefined; ref = path.pop()) {
    const { children } = nodes.edit(ref) as Branch;
    const last = children.pop() as Child;
    for (const child of childrenOf(tree, refs, last)) children.push(child);
    refs = pack(tree, ref);
  }
  while (refs.length > 1) {
    const level = nodes.get(refs[0] as NodeRef).level + 1;
    state.root = nodes.create(newBranch(level, childrenOf(tree, refs, null)));
    refs = pack(tree, state.root);
  }
  const after = summarize(nodes.get(state.root));
  state.rootLazy = rootLazy;
  if (rootLazy) forgetSummaries(tree, state.root);
  const isKnown = before.digest !== null && after.digest !== null;
  return {
    count: after.count - before.count,
    digest: isKnown ? subtractDigests(after.digest ?? 0, before.digest ?? 0) : null,
  };
}

/** The nodes along the right edge, root first. */
function rightEdge({ nodes, state }: CountedTree): NodeRef[] {
  const path = [state.root];
  for (let node = nodes.get(state.root); !isLeaf(node);) {
    const { ref } = node.children.at(-1) as Child;
    path.push(ref);
    node = nodes.get(ref);
  }
  return path;
}

/** Describes packed nodes to their parent; the first of them may be one that the parent knows already. */
function childrenOf(tree: CountedTree, refs: readonly NodeRef[], known: Child | null): Child[] {
  return refs.map((ref, index) =>
    describe(tree, ref, index === 0 ? (known?.low ?? lowestPosition) : null, false),
  );
}

/** Cuts what is too heavy in a node off into new nodes behind it. Returns the node and those. */
function pack(tree: CountedTree, ref: NodeRef): NodeRef[] {
  const node = tree.nodes.get(ref);
  const cuts = cutsOf(entryWeights(tree, node), fullWeight(tree), isLeaf(node) ? 1 : 2);
  const refs = [ref];
  if (cuts.length === 0) return refs;
  const editable = tree.nodes.edit(ref);
  cuts.forEach((cut, index) => refs.push(tree.nodes.create(part(editable, cut, cuts[index + 1]))));
  cutOff(editable, cuts[0] as number);
  return refs;
}

function part(node: Node, start: number, end: number | undefined): Node {
  return isLeaf(node)
    ? newLeaf(node.items.slice(start, end))
    : newBranch(node.level, node.children.slice(start, end));
}

function cutOff(node: Node, length: number): void {
  if (isLeaf(node)) node.items.length = length;
  else node.children.length = length;
}

/**
 * Where to cut entries so that each part but the last is packed, and the last one is not too light: if need be, it shares evenly
 * with the one before. No entry weighs more than an eighth of a full node, or a part has but a few.
 */
function cutsOf(weights: readonly number[], full: number, fewest: number): number[] {
  const packed = full * packedShare;
  let left = 0;
  for (const weight of weights) left += weight;
  const cuts: number[] = [];
  let start = 0;
  while (left > full) {
    const most = left - packed < full / 4 ? left / 2 : packed;
    let taken = 0;
    let end = start;
    while (end < weights.length) {
      const weight = weights[end] as number;
      if (taken + weight > most && end - start >= fewest) break;
      taken += weight;
      end++;
    }
    cuts.push(end);
    start = end;
    left -= taken;
  }
  return cuts;
}

/** Refuses what would bring the tree out of order: a mistake in the caller. */
function assertAscending(leaf: Leaf, items: readonly Item[]): void {
  let last = leaf.items.at(-1)?.position.order;
  for (const { position } of items) {
    if (last !== undefined && position.order <= last) throw new Error("items are appended out of order");
    last = position.order;
  }
}
