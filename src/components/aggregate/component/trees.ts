/** The upkeep of trees: emptying them, and choosing between fast reads and little contention. */
import { v } from "convex/values";
import { isLeaf, makeRootLazy as makeLazy, settle, untilLoaded, type NodeRef } from "../tree/index.js";
import { internal } from "./_generated/api.js";
import { internalMutation, mutation } from "./_generated/server.js";
import { foldDeltas } from "./queue/folding.js";
import { Forest, unmanaged } from "./forest/forest.js";
import { assertUnmanaged, liveGenerations } from "./generation/directory.js";
import { namespace } from "./interface/operation.js";
import { definition } from "./interface/question.js";
import { readFrom } from "./reading/readings.js";

/**
 * Empties the tree of a namespace, or makes one. Settings that are left out stay as they are. The old nodes are
 * deleted in the background. Throws INVALID_NODE_SIZE, and PENDING_OPERATIONS while writes are queued.
 */
export const clear = mutation({
  args: { namespace, maxNodeSize: v.optional(v.number()), rootLazy: v.optional(v.boolean()) },
  returns: v.null(),
  handler: async (ctx, { namespace, maxNodeSize, rootLazy }) => {
    await foldDeltas(ctx);
    const forest = new Forest(ctx.db);
    await forest.load([namespace], true);
    const record = forest.find(namespace)?.record;
    forest.plant(namespace, { maxNodeSize, rootLazy });
    await forest.flush(ctx.db);
    if (record) await ctx.scheduler.runAfter(0, internal.trees.sweep, { nodes: [record.root] });
    return null;
  },
});

/** Stops keeping summaries in the root of a namespace's tree, so that fewer writes meet there. */
export const makeRootLazy = mutation({
  args: { namespace, definition },
  returns: v.null(),
  handler: async (ctx, { namespace, definition }) => {
    const generations = await readFrom(ctx.db, (readings) => {
      if (definition !== undefined) return liveGenerations(readings, definition).writable;
      assertUnmanaged(readings);
      return [unmanaged];
    });
    for (const generation of generations) {
      const forest = new Forest(ctx.db, generation);
      await forest.load([namespace], true);
      const tree = forest.find(namespace) ?? forest.plant(namespace);
      await settle(forest.nodes, () => makeLazy(tree));
      await forest.flush(ctx.db);
    }
    return null;
  },
});

/** Deletes nodes that no tree holds any more, and all nodes below them, in run after run. */
export const sweep = internalMutation({
  args: { nodes: v.array(v.string()) },
  returns: v.null(),
  handler: async (ctx, { nodes }) => {
    // Takes nodes from the end, so that no more wait than the children along one path.
    const waiting: NodeRef[] = [...nodes];
    const store = new Forest(ctx.db).nodes;
    for (let count = 0; count < store.removedAtOnce; count++) {
      const ref = waiting.pop();
      if (ref === undefined) break;
      const node = await untilLoaded(() => store.find(ref));
      if (node === null) continue;
      if (!isLeaf(node)) waiting.push(...node.children.map((child) => child.ref));
      store.remove(ref);
    }
    await store.write(ctx.db);
    if (waiting.length > 0) {
      await ctx.scheduler.runAfter(0, internal.trees.sweep, { nodes: waiting.map(String) });
    }
    return null;
  },
});
