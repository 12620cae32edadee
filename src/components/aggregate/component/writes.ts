/** Writes, several of them as one: a transaction of their own, which changes everything it should or nothing. */
import { v, type Infer } from "convex/values";
import type { MutationCtx } from "./_generated/server.js";
import { appendDeltas } from "./deltas.js";
import { askableMutation, isAsked, throwNotAtHand } from "./native/direct.js";
import { foldDeltas } from "./queue/folding.js";
import { Forest, unmanaged } from "./forest/forest.js";
import { assertUnmanaged, isUnmanagedNow } from "./generation/directory.js";
import { applyOperation, namespacesOf } from "./forest/operations.js";
import { applyNow } from "./native/quick_writes.js";
import { usesDeltas, usesNoDeltasNow } from "./queue/settings.js";
import { operations } from "./interface/operation.js";

type Writes = Infer<typeof writes>;
const writes = v.object({
  operations,
  /** Whether they are appended as deltas; as the component is set when left out. */
  deltas: v.optional(v.boolean()),
});

/**
 * Applies operations in order, after the deltas that wait, or appends them as deltas. Neighbouring items share the nodes
 * that are read and written. Throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE,
 * AGGREGATE_COMPONENT_SHARED, and PENDING_OPERATIONS while others are queued.
 */
export const apply = askableMutation({
  args: writes,
  returns: v.null(),
  handler: (ctx, args) => {
    const { operations, deltas = !usesNoDeltasNow(ctx.db) } = args;
    if (!deltas && isUnmanagedNow(ctx.db) && applyNow(ctx, unmanaged, operations)) return null;
    return isAsked(ctx) ? throwNotAtHand() : applyLater(ctx, args);
  },
});

async function applyLater(ctx: MutationCtx, { operations, deltas }: Writes): Promise<null> {
  await assertUnmanaged(ctx.db);
  if (deltas ?? (await usesDeltas(ctx.db))) {
    await appendDeltas(ctx, operations);
    return null;
  }
  await foldDeltas(ctx);
  const forest = new Forest(ctx.db);
  await forest.load(operations.flatMap(namespacesOf), true);
  for (const operation of operations) await applyOperation(forest, operation);
  await forest.flush(ctx.db);
  return null;
}
