/** Writes. The operations of one call are applied as a whole, or not at all. */
import { v } from "convex/values";
import type { DifferenceKind } from "../../../seams/index.js";
import { afterwards, makeRootLazy, type Soon } from "../tree/index.js";
import type { MutationCtx } from "./_generated/server.js";
import { noteDrift } from "./check/drift.js";
import { appendDeltas, usesDeltas } from "./deltas.js";
import { forestOf, unmanaged, type Forest } from "./forest/forest.js";
import { apply as applyOne, applyEach, namespacesOf } from "./forest/operations.js";
import { assertUnmanaged } from "./generation/directory.js";
import { replaceDamaged } from "./generation/states.js";
import { isDamage } from "./interface/errors.js";
import { operations, type Operation } from "./interface/operation.js";
import { askableMutation, inCall, writeFrom } from "./reading/readings.js";
import { foldDeltas } from "./queue/folding.js";
import { isPending } from "./queue/pending.js";

/**
 * Applies operations in order, after the deltas that wait, or appends them as deltas. Neighbouring items share the nodes
 * that are read and written.
 * @throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE, AGGREGATE_COMPONENT_SHARED
 * @throws PENDING_OPERATIONS while other operations are queued.
 */
export const apply = askableMutation({
  args: {
    operations,
    /** Whether the operations are appended as deltas; by default as the component is set. */
    deltas: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: (ctx, { operations, deltas }) => afterwards(write(ctx, unmanaged, operations, deltas), () => null),
});

/**
 * Writes operations into the trees of a generation, or appends them as deltas: as the component is set where `deltas` is left
 * out. Returns true when somebody has to call `advance`, because the trees have drifted or are damaged.
 */
export function write(
  ctx: MutationCtx,
  generation: number,
  operations: readonly Operation[],
  deltas: boolean | undefined,
): Soon<boolean> {
  const kinds: (DifferenceKind | null)[] = [];
  return writeFrom(ctx, (readings) => {
    if (generation === unmanaged) assertUnmanaged(readings);
    const isManaged = generation !== unmanaged;
    if (deltas ?? usesDeltas(readings, isManaged)) {
      const managed = isManaged ? generation : undefined;
      return inCall(ctx, () => appendDeltas(ctx, operations, managed).then(() => false));
    }
    if (isPending(readings)) {
      return inCall(ctx, () => foldDeltas(ctx).then(() => write(ctx, generation, operations, false)));
    }
    const forest = forestOf(readings, generation);
    try {
      applyEach(forest, operations, kinds, applyOne);
    } catch (error) {
      if (generation === unmanaged || !isDamage(error)) throw error;
      // A write must not fail because the aggregate is damaged. The aggregate is built anew, and tells its readers.
      const id = operations[kinds.length]?.id;
      return inCall(ctx, () => replaceDamaged(ctx.db, generation, String(error), id).then(() => true));
    }
    if (readings.native?.hasConflicts === true) keepApart(forest, operations);
    if (kinds.every((kind) => kind === null)) {
      return () => afterwards(forest.flush(ctx.db), () => false);
    }
    const drifted = operations.flatMap(({ id }, index) => {
      const kind = kinds[index] ?? null;
      return kind === null ? [] : [{ id, kind }];
    });
    return inCall(ctx, async () => {
      await forest.flush(ctx.db);
      await noteDrift(ctx.db, generation, drifted);
      return true;
    });
  });
}

/** Stops keeping summaries in the roots of the trees that operations change, so that only writes near to each other conflict. */
function keepApart(forest: Forest, operations: readonly Operation[]): void {
  for (const namespace of operations.flatMap(namespacesOf)) {
    const tree = forest.find(namespace);
    if (tree !== null) forest.nodes.attempt(() => makeRootLazy(tree));
  }
}
