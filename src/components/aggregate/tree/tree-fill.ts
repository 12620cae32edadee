/**
 * Keeps nodes filled as `counted-tree.ts` promises: what grew too heavy is split, what became too light is merged with a
 * neighbour or takes entries from it, and the tree grows and shrinks at the root. Works upwards from a changed leaf.
 */
import {
  entryWeights,
  fullWeight,
  isLazyRoot,
  isSteady,
  nodeWeight,
  type CountedTree,
} from "./counted-tree.js";
import {
  isLeaf,
  newBranch,
  newLeaf,
  nodeSize,
  summarize,
  type Branch,
  type Child,
  type Leaf,
  type Node,
  type NodeRef,
} from "./node.js";
import { lowestPosition, type Position } from "./position.js";
import type { Summary } from "./summary.js";

/** A branch on the way down, and the index of the child that the way took. */
export interface Step {
  readonly ref: NodeRef;
  readonly index: number;
}

/** The share of entries that the left half keeps when keys ascend, because then nothing is added to it any more. */
const leftShareAtEnd = 0.75;

/**
 * Mends the fill of a changed leaf and of everything above it. Above a node that was neither split nor joined, only a summary
 * has changed, which makes no difference unless the child is uncommonly large.
 * @param path The branches above the leaf, root first.
 * @param atEnd True when the tree's last item was just added.
 */
export function mendFill(tree: CountedTree, path: readonly Step[], leafRef: NodeRef, atEnd: boolean): void {
  let ref = leafRef;
  let isOther = true;
  for (let depth = path.length; depth >= 0; depth--) {
    const parent = path[depth - 1];
    const node = tree.nodes.get(ref);
    if (!isOther && isSteady(tree, (node as Branch).children[path[depth]?.index ?? 0] as Child)) {
      ref = parent?.ref ?? ref;
      continue;
    }
    const weight = nodeWeight(tree, node);
    isOther = false;
    if (weight > fullWeight(tree)) {
      const cut = cutIndex(node, entryWeights(tree, node), atEnd ? leftShareAtEnd : 0.5);
      const rightRef = split(tree, ref, cut);
      if (parent === undefined) growRoot(tree, ref, rightRef);
      else replaceChildren(tree, parent.ref, parent.index, 1, [ref, rightRef]);
      isOther = true;
    } else if (parent === undefined) {
      shrinkRoot(tree, node);
    } else if (isTooLight(tree, node, weight)) {
      joinNeighbour(tree, parent);
      isOther = true;
    }
    ref = parent?.ref ?? ref;
  }
}

/** Whether a node other than the root has too few entries. */
export function isTooLight(tree: CountedTree, node: Node, weight: number): boolean {
  return weight * 4 < fullWeight(tree) || nodeSize(node) < (isLeaf(node) ? 1 : 2);
}

function split(tree: CountedTree, ref: NodeRef, cut: number): NodeRef {
  const node = tree.nodes.edit(ref);
  if (isLeaf(node)) return tree.nodes.create(newLeaf(node.items.splice(cut)));
  return tree.nodes.create(newBranch(node.level, node.children.splice(cut)));
}

/** Merges the child that a step took with a neighbour, or shares their entries evenly when one node cannot hold them. */
function joinNeighbour(tree: CountedTree, { ref, index }: Step): void {
  const { nodes } = tree;
  const leftIndex = index === 0 ? 0 : index - 1;
  const { children } = nodes.get(ref) as Branch;
  const leftRef = (children[leftIndex] as Child).ref;
  const rightRef = (children[leftIndex + 1] as Child).ref;
  nodes.expect([leftRef, rightRef]);
  const left = nodes.edit(leftRef);
  takeEntries(left, nodes.edit(rightRef));
  const weights = entryWeights(tree, left);
  if (total(weights) <= fullWeight(tree)) {
    nodes.remove(rightRef);
    replaceChildren(tree, ref, leftIndex, 2, [leftRef]);
  } else {
    takeEntries(nodes.edit(rightRef), left, cutIndex(left, weights, 0.5));
    replaceChildren(tree, ref, leftIndex, 2, [leftRef, rightRef]);
  }
}

/** Moves entries, from an index on, to the end of a node of the same level. */
function takeEntries(to: Node, from: Node, start = 0): void {
  if (isLeaf(to)) to.items.push(...(from as Leaf).items.splice(start));
  else to.children.push(...(from as Branch).children.splice(start));
}

/** Describes anew what stands in place of `count` children of a branch; the first keeps its lowest position. */
function replaceChildren(
  tree: CountedTree,
  ref: NodeRef,
  index: number,
  count: number,
  refs: NodeRef[],
): void {
  const { children } = tree.nodes.edit(ref) as Branch;
  const { low } = children[index] as Child;
  const lazy = isLazyRoot(tree, ref);
  const replacements = refs.map((childRef, position) =>
    describe(tree, childRef, position === 0 ? low : null, lazy),
  );
  children.splice(index, count, ...replacements);
}

/** A node as its parent describes it. */
export function describe(tree: CountedTree, ref: NodeRef, low: Position | null, lazy: boolean): Child {
  const node = tree.nodes.get(ref);
  return { low: low ?? lowestOf(node), ref, summary: lazy ? null : summarize(node) };
}

function lowestOf(node: Node): Position {
  const lowest = isLeaf(node) ? node.items[0]?.position : node.children[0]?.low;
  if (lowest === undefined) throw new Error("a node that was just filled is empty");
  return lowest;
}

/** Puts a new root above the halves of the old one. */
function growRoot(tree: CountedTree, leftRef: NodeRef, rightRef: NodeRef): void {
  const { nodes, state } = tree;
  if (state.rootLazy) for (const half of [leftRef, rightRef]) rememberSummaries(tree, half);
  const children = [
    describe(tree, leftRef, lowestPosition, state.rootLazy),
    describe(tree, rightRef, null, state.rootLazy),
  ];
  setRoot(tree, nodes.create(newBranch(nodes.get(leftRef).level + 1, children)));
}

/** Removes roots that have come to have a single child. */
function shrinkRoot(tree: CountedTree, root: Node): void {
  if (isLeaf(root) || root.children.length > 1) return;
  const { nodes, state } = tree;
  const { ref } = root.children[0] as Child;
  nodes.remove(state.root);
  setRoot(tree, ref);
  if (state.rootLazy) forgetSummaries(tree, ref);
}

/** What was a lazy root keeps summaries from now on. */
export function rememberSummaries(tree: CountedTree, ref: NodeRef): void {
  const node = tree.nodes.get(ref);
  if (isLeaf(node)) return;
  tree.nodes.expect(node.children.map((child) => child.ref));
  rewriteSummaries(tree, ref, (child) => summarize(tree.nodes.get(child.ref)));
}

/** What becomes a lazy root keeps none. */
export function forgetSummaries(tree: CountedTree, ref: NodeRef): void {
  if (!isLeaf(tree.nodes.get(ref))) rewriteSummaries(tree, ref, () => null);
}

function rewriteSummaries(tree: CountedTree, ref: NodeRef, summary: (child: Child) => Summary | null): void {
  const branch = tree.nodes.edit(ref) as Branch;
  branch.children = branch.children.map((child) => ({ ...child, summary: summary(child) }));
}

function setRoot(tree: CountedTree, ref: NodeRef): void {
  const { nodes, state } = tree;
  const before = state.root;
  state.root = ref;
  nodes.onRollback(() => (state.root = before));
}

/**
 * The index at which to cut a node's entries so that the left part comes as near as can be to its share, at most. Items that
 * damage has put in one place stay in one leaf, where a write to one of them meets the others.
 */
function cutIndex(node: Node, weights: readonly number[], leftShare: number): number {
  const target = total(weights) * leftShare;
  let left = 0;
  let index = 0;
  while (left + (weights[index] as number) <= target) left += weights[index++] as number;
  // Of two cuts, the nearer one; a larger share for the left is a limit, because the right must not become too light.
  if (leftShare <= 0.5 && left + (weights[index] as number) - target < target - left) index++;
  if (!isLeaf(node) || !isBetweenEquals(node, index)) return index;
  const cuts = weights.flatMap((_, at) => (at > 0 && !isBetweenEquals(node, at) ? [at] : []));
  return cuts.toSorted((a, b) => Math.abs(a - index) - Math.abs(b - index))[0] ?? index;
}

function isBetweenEquals({ items }: Leaf, cut: number): boolean {
  return items[cut - 1]?.position.order === items[cut]?.position.order;
}

function total(weights: readonly number[]): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}
