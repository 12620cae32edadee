/**
 * Nodes as documents. They keep their entries in columns, one array of keys, one of ids, one per measure, because those are
 * smaller and quicker to convert than lists of objects.
 */
import { v, type Infer, type Validator } from "convex/values";
import { isLeaf, newBranch, newLeaf, Position, withoutTrailingNulls } from "../../tree/index.js";
import type { Branch, Child, ExactSum, Leaf, Node, NodeRef, Summary } from "../../tree/index.js";
import { value } from "../interface/operation.js";
import { numberOrNull } from "../interface/question.js";

const finiteSum = v.union(v.number(), v.array(v.number()), v.string());
export const exactSum: Validator<ExactSum, "required", string> = v.union(
  v.number(),
  v.array(v.number()),
  v.string(),
  v.object({ finite: finiteSum, nan: v.number(), positive: v.number(), negative: v.number() }),
);

/** A node with items: `values[measure][item]`, null where an item lacks the measure. */
type LeafFields = Infer<typeof leaf>;
const leaf = v.object({
  keys: v.array(value),
  ids: v.array(v.string()),
  values: v.array(v.array(numberOrNull)),
});

/** The summaries of one measure, by child. */
type MeasureColumns = Infer<typeof measureColumns>;
const measureColumns = v.object({
  counts: v.array(v.number()),
  sums: v.array(exactSum),
  mins: v.array(numberOrNull),
  maxs: v.array(numberOrNull),
});

/** The summaries of a branch's children. A digest is null while it is unknown. */
type SummaryColumns = Infer<typeof summaryColumns>;
const summaryColumns = v.object({
  counts: v.array(v.number()),
  digests: v.array(numberOrNull),
  measures: v.array(measureColumns),
});

/** A node with children, whose lowest positions are `keys` and `ids`. A lazy root has no `summaries`. */
type BranchFields = Infer<typeof branch>;
const branch = v.object({
  level: v.number(),
  /** Refs of nodes: ids of their documents, or names of their cells. */
  nodes: v.array(v.string()),
  keys: v.array(value),
  ids: v.array(v.string()),
  summaries: v.optional(summaryColumns),
});

export type NodeFields = Infer<typeof node>;
export const node = v.union(leaf, branch);

/** The node that a document holds. */
export function nodeOf(document: NodeFields): Node {
  return "nodes" in document ? branchOf(document) : leafOf(document);
}

function leafOf({ keys, ids, values }: LeafFields): Leaf {
  const items = ids.map((id, index) => ({
    position: new Position(keys[index] ?? null, id),
    values: withoutTrailingNulls(values.map((column) => column[index] ?? null)),
  }));
  return newLeaf(items);
}

function branchOf({ level, nodes, keys, ids, summaries }: BranchFields): Branch {
  const children = nodes.map((ref, index): Child => ({
    low: new Position(keys[index] ?? null, ids[index] ?? ""),
    ref,
    summary: summaries === undefined ? null : summaryAt(summaries, index),
  }));
  return newBranch(level, children);
}

function summaryAt({ counts, digests, measures }: SummaryColumns, index: number): Summary {
  return {
    count: counts[index] ?? 0,
    digest: digests[index] ?? null,
    measures: measures.map(({ counts, sums, mins, maxs }) => ({
      count: counts[index] ?? 0,
      sum: sums[index] ?? 0,
      min: mins[index] ?? null,
      max: maxs[index] ?? null,
    })),
  };
}

/** What the document of a node holds; `stored` tells where its children are stored. */
export function fieldsOf(node: Node, stored: (ref: NodeRef) => string): NodeFields {
  return isLeaf(node) ? leafFields(node) : branchFields(node, stored);
}

function leafFields({ items }: Leaf): LeafFields {
  return {
    keys: items.map(({ position }) => position.key),
    ids: items.map(({ position }) => position.id),
    values: columns(items.map((item) => item.values)).map((column) => column.map((value) => value ?? null)),
  };
}

function branchFields({ level, children }: Branch, stored: (ref: NodeRef) => string): BranchFields {
  const summaries = children.flatMap(({ summary }) => (summary === null ? [] : [summary]));
  return {
    level,
    nodes: children.map(({ ref }) => stored(ref)),
    keys: children.map(({ low }) => low.key),
    ids: children.map(({ low }) => low.id),
    ...(summaries.length === 0 ? {} : { summaries: summaryFields(summaries) }),
  };
}

function summaryFields(summaries: readonly Summary[]): SummaryColumns {
  return {
    counts: summaries.map(({ count }) => count),
    digests: summaries.map(({ digest }) => digest),
    measures: columns(summaries.map(({ measures }) => measures)).map((column): MeasureColumns => ({
      counts: column.map((measure) => measure?.count ?? 0),
      sums: column.map((measure) => measure?.sum ?? 0),
      mins: column.map((measure) => measure?.min ?? null),
      maxs: column.map((measure) => measure?.max ?? null),
    })),
  };
}

/** Turns rows into columns, as many as the longest row has; what a row lacks is undefined. */
function columns<T>(rows: readonly (readonly T[])[]): (T | undefined)[][] {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 0);
  return Array.from({ length: width }, (_, index) => rows.map((row) => row[index]));
}
