/** Writes, several of them as one: a transaction of their own, which changes everything it should or nothing. */
import type { RegisteredMutation } from "convex/server";
import { v } from "convex/values";
import { mutation, type MutationCtx } from "./_generated/server.js";
import { appendDeltas } from "./deltas.js";
import { direct, isAsked, throwNotAtHand, type Soon } from "./native/direct.js";
import { foldDeltas } from "./queue/folding.js";
import { Forest, unmanaged } from "./forest/forest.js";
import { assertUnmanaged, isUnmanagedNow } from "./generation/directory.js";
import { applyOperation, namespacesOf } from "./forest/operations.js";
import { applyNow } from "./native/quick_writes.js";
import { usesDeltas, usesNoDeltasNow } from "./queue/settings.js";
import { applyArgs } from "./interface/validators.js";
import type { ApplyArgs } from "./interface/wire.js";

/**
 * Applies operations in order, after the deltas that wait, or appends them as deltas. Neighbouring items share the nodes
 * that are read and written. Throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE,
 * AGGREGATE_COMPONENT_SHARED, and PENDING_OPERATIONS while others are queued.
 */
export const apply: RegisteredMutation<"public", ApplyArgs, Soon<null>> = mutation({
  args: applyArgs,
  returns: v.null(),
  handler: direct((ctx: MutationCtx, args: ApplyArgs): Soon<null> => {
    const { operations, deltas = !usesNoDeltasNow(ctx.db) } = args;
    if (!deltas && isUnmanagedNow(ctx.db) && applyNow(ctx, unmanaged, operations)) return null;
    return isAsked(ctx) ? throwNotAtHand() : applyLater(ctx, args);
  }),
});

async function applyLater(ctx: MutationCtx, { operations, deltas }: ApplyArgs): Promise<null> {
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
