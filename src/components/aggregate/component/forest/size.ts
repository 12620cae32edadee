/**
 * What the trees of a generation hold, and how much room they take up. Count and sum are exact. Nodes and bytes are counted level
 * by level; where a level has many nodes, they are projected from some that are spread evenly. What cannot be read is left out:
 * whoever asks how an aggregate is doing is answered, whatever state it is in, and a check says what is damaged.
 */
import {
  addSums,
  askEach,
  childBytes,
  isLeaf,
  itemBytes,
  noMeasure,
  untilLoaded,
  measureParts,
  type ExactSum,
  type Node,
  type NodeRef,
  type Summary,
} from "../../tree/index.js";
import { v, type Infer } from "convex/values";
import type { DatabaseReader } from "../_generated/server.js";
import { namespaceBefore, namespaceCursor } from "../reading/cursors.js";
import { Forest, plainMeasure, type StoredTree } from "./forest.js";
import { exactSum } from "../nodes/fields.js";
import { isDamage } from "../interface/errors.js";
import { storedGeneration } from "./records.js";
import { namespaceField } from "../interface/operation.js";

/** How many trees are measured in one call. */
const treesPerPage = 200;
/** How many nodes of a level are looked at. */
const nodesInSample = 48;

/** What some trees hold. */
type Size = Infer<typeof size>;
export const size = v.object({
  items: v.number(),
  namespaces: v.number(),
  /** The exact sum of the plain `sumValue`s. */
  sum: exactSum,
  nodes: v.number(),
  sizeBytes: v.number(),
  /** For the trees behind these; null when there are none. */
  cursor: v.union(v.string(), v.null()),
});

/** Measures the trees of a generation from a cursor on. */
export async function measureTrees(
  db: DatabaseReader,
  { generation, cursor }: { generation: number; cursor?: string },
): Promise<Size> {
  const records = await db
    .query("trees")
    .withIndex("by_generation", (q) => {
      const all = q.eq("generation", storedGeneration(generation));
      return cursor === undefined ? all : all.gt("namespace", namespaceBefore(cursor));
    })
    .take(treesPerPage + 1);
  const forest = new Forest(db, generation);
  const page = records.slice(0, treesPerPage);
  const namespaces = page.map(({ namespace }) => namespaceField(namespace));
  const trees = await untilLoaded(() => forest.select(namespaces));
  const last = page.at(-1);
  const namespace = last?.namespace;
  return {
    ...(await contentsOf(trees)),
    ...(await nodesOf(forest, trees)),
    cursor: records.length > treesPerPage ? namespaceCursor(namespaceField(namespace)) : null,
  };
}

async function contentsOf(
  trees: readonly StoredTree[],
): Promise<{ items: number; namespaces: number; sum: ExactSum }> {
  const summaries = await untilLoaded(() => askEach(trees, summaryIfReadable));
  let items = 0;
  let namespaces = 0;
  let sum: ExactSum = 0;
  for (const [index, summary] of summaries.entries()) {
    const count = summary?.count ?? 0;
    items += count;
    // The table has no namespace any more whose tree is empty again.
    if (count > 0) namespaces++;
    const column = trees[index]?.state.measures.indexOf(plainMeasure) ?? -1;
    sum = addSums(sum, (summary?.measures[column] ?? noMeasure).sum);
  }
  return { items, namespaces, sum };
}

/** @throws Missing */
function summaryIfReadable(tree: StoredTree): Summary | null {
  try {
    const [summary] = measureParts([{ tree, range: { start: "", end: null } }]);
    return summary ?? null;
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

async function nodesOf(
  forest: Forest,
  trees: readonly StoredTree[],
): Promise<{ nodes: number; sizeBytes: number }> {
  let nodes = 0;
  let sizeBytes = 0;
  let scale = 1;
  let level: NodeRef[] = trees.map(({ state }) => state.root);
  while (level.length > 0) {
    const sample = spread(level);
    scale *= level.length / sample.length;
    const seen = await untilLoaded(() => askEach(sample, (ref) => forest.nodes.find(ref)));
    const there = seen.filter((node) => node !== null);
    nodes += there.length * scale;
    sizeBytes += there.reduce((bytes, node) => bytes + nodeBytes(node), 0) * scale;
    level = there.flatMap((node) => (isLeaf(node) ? [] : node.children.map(({ ref }) => ref)));
  }
  return { nodes: Math.round(nodes), sizeBytes: Math.round(sizeBytes) };
}

/** Some of a level's nodes, at even distances. */
function spread(level: readonly NodeRef[]): NodeRef[] {
  if (level.length <= nodesInSample) return [...level];
  return Array.from({ length: nodesInSample }, (_, index) => {
    const ref = level[Math.floor(((index + 0.5) * level.length) / nodesInSample)];
    return ref as NodeRef;
  });
}

function nodeBytes(node: Node): number {
  return isLeaf(node)
    ? node.items.reduce((bytes, item) => bytes + itemBytes(item), 0)
    : node.children.reduce((bytes, child) => bytes + childBytes(child), 0);
}
