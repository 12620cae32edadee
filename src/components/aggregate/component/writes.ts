/** Writes, several of them as one: a transaction of their own, which changes everything it should or nothing. */
import type { RegisteredMutation } from "convex/server";
import { v } from "convex/values";
import { mutation } from "./_generated/server.js";
import type { Operation } from "./documents.js";
import { Forest } from "./forest.js";
import { applyOperation, namespacesOf } from "./operations.js";
import { assertNothingPending } from "./pending.js";
import { operationsArgs } from "./validators.js";

/**
 * Applies operations in order. Neighbouring items share the nodes that are read and written.
 * Throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE, and PENDING_OPERATIONS while others are queued.
 */
export const apply: RegisteredMutation<"public", { operations: Operation[] }, Promise<null>> = mutation({
  args: operationsArgs,
  returns: v.null(),
  handler: async (ctx, { operations }): Promise<null> => {
    const forest = new Forest(ctx.db);
    await Promise.all([assertNothingPending(ctx.db), forest.load(operations.flatMap(namespacesOf), true)]);
    for (const operation of operations) await applyOperation(forest, operation);
    await forest.flush(ctx.db);
    return null;
  },
});
