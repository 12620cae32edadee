/**
 * The structural check: every node against what its parent says of it. When each parent's summary of a child equals the
 * fold of the child's own entries, and each child's entries lie between its bounds, then all counts, sums, digests
 * and orders of the tree are right; no node has to be compared with more than its parent. So the check can stop
 * after any leaf and go on from there in another transaction.
 */
import { nodeWeight, fullWeight, isLazyRoot, type CountedTree } from "./counted-tree.js";
import {
  childIndex,
  isLeaf,
  nodeSize,
  summarize,
  type Branch,
  type Child,
  type Leaf,
  type Node,
} from "./node.js";
import type { NodeRef } from "./node.js";
import { lowestPosition } from "./position.js";
import { equalSummaries, type Summary } from "./summary.js";
import { isTooLight } from "./tree-fill.js";

/** The kinds of problems that the check finds. */
export type TreeProblemKind =
  | "missingNode"
  | "wrongLevel"
  | "wrongOrder"
  | "outOfBounds"
  | "wrongSummary"
  | "tooHeavy"
  | "tooLight";

/** One problem of a node. */
export interface TreeProblem {
  readonly kind: TreeProblemKind;
  readonly node: NodeRef;
  readonly message: string;
}

/** What a part of the check found. `next` is the position to go on from, null at the end of the tree. */
export interface TreeReport {
  readonly problems: TreeProblem[];
  /** Nodes and items that were checked. */
  nodes: number;
  items: number;
  next: string | null;
}

/**
 * Checks a tree, from the leaf that holds the position `from` on, until `leafLimit` leaves are done.
 * @param onLeaf Called with each leaf, in order.
 */
export function checkTree(
  tree: CountedTree,
  from: string,
  leafLimit: number,
  onLeaf: (leaf: Leaf) => void = () => {},
): TreeReport {
  const report: TreeReport = { problems: [], nodes: 0, items: 0, next: null };
  const root = tree.nodes.find(tree.state.root);
  const check: Check = { tree, report, from, leavesLeft: leafLimit, onLeaf };
  checkNode(check, tree.state.root, {
    level: root?.level ?? 0,
    low: lowestPosition.order,
    high: null,
    summary: null,
    isRoot: true,
  });
  return report;
}

interface Check {
  readonly tree: CountedTree;
  readonly report: TreeReport;
  readonly from: string;
  leavesLeft: number;
  readonly onLeaf: (leaf: Leaf) => void;
}

/** What the parent says of a node. */
interface Expectation {
  readonly level: number;
  readonly low: string;
  readonly high: string | null;
  readonly summary: Summary | null;
  readonly isRoot: boolean;
}

function checkNode(check: Check, ref: NodeRef, expected: Expectation): void {
  const { tree, report } = check;
  const node = tree.nodes.find(ref);
  if (node === null) {
    addProblem(check, "missingNode", ref, "is missing");
    return;
  }
  // A part of the check that begins further right has left this node to the part before it.
  if (expected.low >= check.from) {
    report.nodes++;
    checkEntries(check, ref, node, expected);
    checkFill(check, ref, node, expected);
    checkSummary(check, ref, node, expected);
  }
  if (isLeaf(node)) {
    report.items += node.items.length;
    check.leavesLeft--;
    check.onLeaf(node);
  } else if (node.level === expected.level) {
    checkChildren(check, node, expected);
  }
}

function checkChildren(check: Check, branch: Branch, expected: Expectation): void {
  const { children } = branch;
  const first = childIndex(branch, check.from);
  check.tree.nodes.expect(
    children.slice(first, first + Math.max(1, check.leavesLeft)).map((child) => child.ref),
  );
  for (let index = first; index < children.length; index++) {
    const { low, ref, summary } = children[index] as Child;
    if (check.leavesLeft <= 0) {
      check.report.next ??= low.order;
      return;
    }
    const high = children[index + 1]?.low.order ?? expected.high;
    checkNode(check, ref, { level: branch.level - 1, low: low.order, high, summary, isRoot: false });
  }
}

function checkEntries(check: Check, ref: NodeRef, node: Node, expected: Expectation): void {
  if (node.level !== expected.level) {
    addProblem(check, "wrongLevel", ref, `is at level ${node.level} instead of ${expected.level}`);
  }
  const orders = ordersOf(node);
  for (let index = 1; index < orders.length; index++) {
    if ((orders[index - 1] as string) < (orders[index] as string)) continue;
    addProblem(check, "wrongOrder", ref, `has entry ${index} at or before the one it follows`);
  }
  const first = orders[0];
  const last = orders[orders.length - 1];
  if (first === undefined || last === undefined) return;
  const startsRight = isLeaf(node) ? first >= expected.low : first === expected.low;
  if (!startsRight || (expected.high !== null && last >= expected.high)) {
    addProblem(check, "outOfBounds", ref, "has entries outside of the bounds that its parent gives");
  }
}

function ordersOf(node: Leaf | Branch): string[] {
  return isLeaf(node)
    ? node.items.map((item) => item.position.order)
    : node.children.map((child) => child.low.order);
}

function checkFill(check: Check, ref: NodeRef, node: Node, { isRoot }: Expectation): void {
  const { tree } = check;
  const weight = nodeWeight(tree, node);
  if (weight > fullWeight(tree)) {
    addProblem(check, "tooHeavy", ref, `has ${nodeSize(node)} entries, too many`);
  }
  const tooLight = isRoot ? !isLeaf(node) && node.children.length < 2 : isTooLight(tree, node, weight);
  if (tooLight) addProblem(check, "tooLight", ref, `has ${nodeSize(node)} entries, too few`);
}

function checkSummary(check: Check, ref: NodeRef, node: Node, expected: Expectation): void {
  const { tree } = check;
  if (!isLeaf(node) && node.children.some((child) => (child.summary === null) !== isLazyRoot(tree, ref))) {
    addProblem(
      check,
      "wrongSummary",
      ref,
      "keeps summaries of its children where it should not, or lacks them",
    );
    return;
  }
  if (expected.summary === null) return;
  const actual = summarize(node);
  // A digest that was unknown when the parent was written says nothing.
  const known = expected.summary.digest === null ? { ...actual, digest: null } : actual;
  if (!equalSummaries(expected.summary, known)) {
    const message = `holds ${actual.count} items, whose summary is not what its parent says of ${expected.summary.count}`;
    addProblem(check, "wrongSummary", ref, message);
  }
}

function addProblem(check: Check, kind: TreeProblemKind, node: NodeRef, message: string): void {
  check.report.problems.push({ kind, node, message: `The node ${message}.` });
}
