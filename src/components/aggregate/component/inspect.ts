/** Functions that look inside: they check the structure of trees, and show trees and nodes as they are stored. */
import { v, type Value } from "convex/values";
import { checkTree, isLeaf, untilLoaded, type CountedTree, type NodeRef } from "../tree/index.js";
import { query, type DatabaseReader } from "./_generated/server.js";
import { show } from "./interface/errors.js";
import { Forest, forestOf, unmanaged, type StoredTree } from "./forest/forest.js";
import { liveGenerations } from "./generation/directory.js";
import { namespace } from "./interface/operation.js";
import { definition } from "./interface/question.js";
import { readFrom } from "./reading/readings.js";

/** How many leaves a part of the check visits by default. */
const leavesPerPart = 256;
const defaultTake = 100;

const tree = { namespace, definition };
const take = v.optional(v.number());

/**
 * Checks the structure of a namespace's tree: orders, bounds, counts, sums, extremes, digests, levels and fill of the
 * nodes. Each call checks a part: call again with `from` as long as `next` is not null. O(leaves visited).
 */
export const validate = query({
  args: {
    ...tree,
    /** Where to go on: `next` of the part before. */
    from: v.optional(v.string()),
    /** How many leaves to visit. */
    leaves: v.optional(v.number()),
  },
  returns: v.object({
    problems: v.array(v.object({ kind: v.string(), node: v.string(), message: v.string() })),
    nodes: v.number(),
    items: v.number(),
    next: v.union(v.string(), v.null()),
  }),
  handler: async (ctx, { from = "", leaves = leavesPerPart, ...args }) => {
    const tree = await treeOf(ctx.db, args);
    if (tree === null) return { problems: [], nodes: 0, items: 0, next: null };
    const { problems, ...report } = await untilLoaded(() => checkTree(tree, from, leaves));
    return {
      ...report,
      problems: problems.map(({ node, ...problem }) => ({ ...problem, node: String(node) })),
    };
  },
});

/** The keys of a namespace's tree in order; brackets stand around those of each node. */
export const dump = query({
  args: tree,
  returns: v.string(),
  handler: async (ctx, args) => {
    const tree = await treeOf(ctx.db, args);
    return tree === null ? "" : untilLoaded(() => dumpNode(tree, tree.state.root));
  },
});

/** The records of up to `take` trees, 100 by default. */
export const listTrees = query({
  args: { take },
  returns: v.array(v.any()),
  handler: (ctx, { take }) => ctx.db.query("trees").take(take ?? defaultTake),
});

/** Up to `take` nodes as they are stored, 100 by default. */
export const listNodes = query({
  args: { take },
  returns: v.array(v.any()),
  handler: (ctx, { take }) => new Forest(ctx.db).nodes.list(take ?? defaultTake),
});

/** The tree of a namespace, in the generation that answers for the definition, or that is being built. */
async function treeOf(
  db: DatabaseReader,
  { namespace, definition }: { namespace?: Value; definition?: string },
): Promise<StoredTree | null> {
  return readFrom(db, (readings) => {
    if (definition === undefined) return forestOf(readings, unmanaged).find(namespace);
    const { readable, writable } = liveGenerations(readings, definition);
    const generation = readable ?? writable[0];
    return generation === undefined ? null : forestOf(readings, generation).find(namespace);
  });
}

function dumpNode(tree: CountedTree, ref: NodeRef): string {
  const node = tree.nodes.get(ref);
  if (isLeaf(node)) return `[${node.items.map(({ position }) => show(position.key)).join(", ")}]`;
  const refs = node.children.map((child) => child.ref);
  tree.nodes.expect(refs);
  return `[${refs.map((child) => dumpNode(tree, child)).join(", ")}]`;
}
