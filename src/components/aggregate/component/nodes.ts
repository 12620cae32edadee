/**
 * The node store on `ctx.db`: one document per node, its entries in columns. Within a call each node is read at most
 * once and written at most once, when the call ends. What is created has a ref of its own until `flush` gives it an id.
 */
import { isLeaf, NodeCache, Position, withoutTrailingNulls } from "../tree/index.js";
import type { Branch, Child, Leaf, Node, NodeRef, Summary } from "../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import type { Id } from "./_generated/dataModel.js";
import type { BranchFields, LeafFields, MeasureColumns, NodeFields, SummaryColumns } from "./documents.js";

export class DocumentNodes extends NodeCache {
  private readonly db: DatabaseReader;

  constructor(db: DatabaseReader) {
    super();
    this.db = db;
  }

  /** How many nodes this call has read, and would write if it ended now. */
  get usage(): { read: number; written: number } {
    return {
      read: this.nodes.size + this.removed.size,
      written: this.created.size + this.edited.size + this.removed.size,
    };
  }

  async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(
      refs.map(async (ref) => {
        const document = await this.db.get("nodes", idOf(ref));
        if (document === null) this.absent.add(ref);
        else this.nodes.set(ref, nodeOf(document));
      }),
    );
  }

  /** Writes what was changed, lower levels first, and returns where created nodes are now. */
  async flush(db: DatabaseWriter): Promise<(ref: NodeRef) => Id<"nodes">> {
    const ids = new Map<NodeRef, Id<"nodes">>();
    const stored = (ref: NodeRef) => ids.get(ref) ?? idOf(ref);
    const created = [...this.created].map((ref) => ({ ref, node: this.get(ref) }));
    for (const { ref, node } of created.toSorted((a, b) => a.node.level - b.node.level)) {
      ids.set(ref, await db.insert("nodes", fieldsOf(node, stored)));
    }
    const edited = [...this.edited].filter((ref) => !this.created.has(ref) && !this.removed.has(ref));
    await Promise.all([
      ...edited.map((ref) => db.replace("nodes", idOf(ref), fieldsOf(this.get(ref), stored))),
      ...[...this.removed].map((ref) => db.delete("nodes", idOf(ref))),
    ]);
    return stored;
  }
}

/** The refs of stored nodes are their documents' ids; those of new nodes are numbers. */
function idOf(ref: NodeRef): Id<"nodes"> {
  if (typeof ref === "number") throw new Error("a node that is not stored yet has no id");
  return ref as Id<"nodes">;
}

function nodeOf(document: NodeFields): Node {
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

function fieldsOf(node: Node, stored: (ref: NodeRef) => Id<"nodes">): NodeFields {
  return isLeaf(node) ? leafFields(node) : branchFields(node, stored);
}

function leafFields({ items }: Leaf): LeafFields {
  return {
    keys: items.map(({ position }) => position.key),
    ids: items.map(({ position }) => position.id),
    values: columns(items.map((item) => item.values)).map((column) => column.map((value) => value ?? null)),
  };
}

function branchFields({ level, children }: Branch, stored: (ref: NodeRef) => Id<"nodes">): BranchFields {
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
