/** Nodes as they are stored: their entries in columns, whether in a document or in a cell. */
import { isLeaf, Position, withoutTrailingNulls } from "../../tree/index.js";
import type { Branch, Child, Leaf, Node, NodeRef, Summary } from "../../tree/index.js";
import type {
  BranchFields,
  LeafFields,
  MeasureColumns,
  NodeFields,
  SummaryColumns,
} from "../interface/documents.js";

export function nodeOf(document: NodeFields): Node {
  return "nodes" in document ? branchOf(document) : leafOf(document);
}

function leafOf({ keys, ids, values }: LeafFields): Leaf {
  const items = ids.map((id, index) => ({
    position: new Position(keys[index] ?? null, id),
    values: withoutTrailingNulls(values.map((column) => column[index] ?? null)),
  }));
  return { level: 0, items };
}

function branchOf({ level, nodes, keys, ids, summaries }: BranchFields): Branch {
  const children = nodes.map((ref, index): Child => ({
    low: new Position(keys[index] ?? null, ids[index] ?? ""),
    ref,
    summary: summaries === undefined ? null : summaryAt(summaries, index),
  }));
  return { level, children };
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
    ...(summaries.length === 0 ? {} : { summaries: summaryColumns(summaries) }),
  };
}

function summaryColumns(summaries: readonly Summary[]): SummaryColumns {
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
