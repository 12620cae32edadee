/** A look inside: the structural check, and the trees and nodes as they are stored. */
import type { RegisteredQuery } from "convex/server";
import { v } from "convex/values";
import { checkTree, isLeaf, settle, type CountedTree, type NodeRef } from "../tree/index.js";
import type { Doc } from "./_generated/dataModel.js";
import { query, type DatabaseReader } from "./_generated/server.js";
import type { NodeFields } from "./interface/documents.js";
import { show } from "./interface/errors.js";
import type { Forest, StoredTree } from "./forest/forest.js";
import { inspectedForest } from "./generation/forests.js";
import { openNodes } from "./nodes/open.js";
import * as validators from "./interface/validators.js";
import type { TreeArgs, ValidateArgs, ValidationReport } from "./interface/wire.js";

/** How many leaves a part of the check visits, unless told otherwise. */
const leavesPerPart = 256;
const defaultTake = 100;

/**
 * Checks the structure of a namespace's tree: orders, bounds, counts, sums, extremes, digests, levels and fill of the
 * nodes. Made in parts: call again with `from` as long as `next` is not null. O(leaves visited).
 */
export const validate: RegisteredQuery<"public", ValidateArgs, Promise<ValidationReport>> = query({
  args: validators.validateArgs,
  returns: validators.validationReport,
  handler: async (ctx, { from = "", leaves = leavesPerPart, ...args }): Promise<ValidationReport> => {
    const { forest, tree } = await treeOf(ctx.db, args);
    if (forest === null || tree === null) return { problems: [], nodes: 0, items: 0, next: null };
    const { problems, ...report } = await settle(forest.nodes, () => checkTree(tree, from, leaves));
    return {
      ...report,
      problems: problems.map(({ node, ...problem }) => ({ ...problem, node: String(node) })),
    };
  },
});

/** The keys of a namespace's tree in order, in brackets for each node. */
export const dump: RegisteredQuery<"public", TreeArgs, Promise<string>> = query({
  args: validators.treeArgs,
  returns: v.string(),
  handler: async (ctx, args): Promise<string> => {
    const { forest, tree } = await treeOf(ctx.db, args);
    return forest === null || tree === null
      ? ""
      : settle(forest.nodes, () => dumpNode(tree, tree.state.root));
  },
});

/** The records of the trees, up to `take` of them, 100 unless told otherwise. */
export const listTrees: RegisteredQuery<
  "public",
  { take?: number | undefined },
  Promise<Doc<"trees">[]>
> = query({
  args: validators.takeArgs,
  returns: v.array(v.any()),
  handler: (ctx, { take }): Promise<Doc<"trees">[]> => ctx.db.query("trees").take(take ?? defaultTake),
});

/** The nodes as they are stored, up to `take` of them, 100 unless told otherwise. */
export const listNodes: RegisteredQuery<
  "public",
  { take?: number | undefined },
  Promise<NodeFields[]>
> = query({
  args: validators.takeArgs,
  returns: v.array(v.any()),
  handler: (ctx, { take }): Promise<NodeFields[]> => openNodes(ctx.db).list(take ?? defaultTake),
});

/** The tree of a namespace, in the forest that answers for the definition, or is going to. */
async function treeOf(
  db: DatabaseReader,
  { namespace, definition }: TreeArgs,
): Promise<{ forest: Forest | null; tree: StoredTree | null }> {
  const forest = await inspectedForest(db, definition);
  await forest?.load([namespace]);
  return { forest, tree: forest?.find(namespace) ?? null };
}

function dumpNode(tree: CountedTree, ref: NodeRef): string {
  const node = tree.nodes.get(ref);
  if (isLeaf(node)) return `[${node.items.map(({ position }) => show(position.key)).join(", ")}]`;
  const refs = node.children.map((child) => child.ref);
  tree.nodes.expect(refs);
  return `[${refs.map((child) => dumpNode(tree, child)).join(", ")}]`;
}
