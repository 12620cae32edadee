/** Writes, several of them as one: a transaction of their own, which changes everything it should or nothing. */
import type { RegisteredMutation } from "convex/server";
import { v } from "convex/values";
import { mutation } from "./_generated/server.js";
import { appendDeltas } from "./deltas.js";
import { foldDeltas } from "./folding.js";
import { Forest } from "./forest.js";
import { applyOperation, namespacesOf } from "./operations.js";
import { usesDeltas } from "./settings.js";
import { applyArgs } from "./validators.js";
import type { ApplyArgs } from "./wire.js";

/**
 * Applies operations in order, after the deltas that wait, or appends them as deltas. Neighbouring items share the nodes
 * that are read and written. Throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE, and PENDING_OPERATIONS while others are queued.
 */
export const apply: RegisteredMutation<"public", ApplyArgs, Promise<null>> = mutation({
  args: applyArgs,
  returns: v.null(),
  handler: async (ctx, { operations, deltas }): Promise<null> => {
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
  },
});
