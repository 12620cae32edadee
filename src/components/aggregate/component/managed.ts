/** What the app's side of a managed aggregate asks and tells, beside the reads: how it stands, and every write of its table. */
import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import { mutation, query, type MutationCtx } from "./_generated/server.js";
import { buildOf, mainGeneration, progressOf, type DefinitionState } from "./build_progress.js";
import { lastVerified } from "./checks.js";
import { appendDeltas } from "./deltas.js";
import type { Operation } from "./documents.js";
import { isDamage } from "./errors.js";
import { foldDeltas } from "./folding.js";
import { Forest } from "./forest.js";
import { measureTrees } from "./forest_size.js";
import { generationsOf, liveGenerations } from "./generation_directory.js";
import * as states from "./generation_states.js";
import * as validators from "./generation_validators.js";
import type { FollowArgs, Size, SizeArgs, Standing, Status } from "./generation_wire.js";
import { applyOperation, namespacesOf } from "./operations.js";
import { enqueueOperations } from "./queue.js";
import { usesDeltas } from "./settings.js";

/**
 * Applies writes of the table to whatever is kept in step for the definition. When there is nothing, begins its build if it
 * may, and drops what other definitions have. No operation minds what is there already. Returns how the definition stood.
 * Throws ITEM_TOO_LARGE, and PENDING_OPERATIONS while others are queued.
 */
export const follow: RegisteredMutation<"public", FollowArgs, Promise<DefinitionState>> = mutation({
  args: validators.followArgs,
  returns: validators.definitionState,
  handler: async (ctx, args): Promise<DefinitionState> => {
    const live = await liveGenerations(ctx.db, args.definition);
    for (const generation of live.writable) await followIn(ctx, generation, args);
    if (live.readable !== null) return "ready";
    if (live.writable.length > 0) return "building";
    if (args.begins !== true) return "empty";
    await states.dropOthers(ctx.db, args.definition);
    await followIn(ctx, await states.createGeneration(ctx.db, args.definition), args);
    return "empty";
  },
});

/** How a definition stands, in short. */
export const standing: RegisteredQuery<"public", { definition: string }, Promise<Standing>> = query({
  args: validators.definitionArgs,
  returns: validators.standing,
  handler: async (ctx, { definition }): Promise<Standing> => {
    const generations = await generationsOf(ctx.db, definition);
    return {
      state: mainGeneration(generations)?.status ?? "empty",
      hasFailed: generations.some(({ status }) => status === "failed"),
    };
  },
});

/** How a definition stands, in full. */
export const status: RegisteredQuery<"public", { definition: string }, Promise<Status>> = query({
  args: validators.definitionArgs,
  returns: validators.status,
  handler: async (ctx, { definition }): Promise<Status> => {
    const generations = await generationsOf(ctx.db, definition);
    const main = mainGeneration(generations);
    // Also of a build beside the generation that answers.
    const failed = generations.find((generation) => generation.status === "failed")?.failure;
    const number = main?.generation ?? 0;
    const build = main === undefined ? null : await buildOf(ctx.db, number);
    return {
      state: main?.status ?? "empty",
      generation: number,
      ...progressOf(build),
      ...(main === undefined ? { lastVerified: null, drift: null } : await lastVerified(ctx.db, number)),
      error: failed?.message ?? null,
      errorDocumentId: failed?.documentId ?? null,
    };
  },
});

/** What some of the trees of a generation hold, and how large they are. */
export const size: RegisteredQuery<"public", SizeArgs, Promise<Size>> = query({
  args: validators.sizeArgs,
  returns: validators.size,
  handler: (ctx, args): Promise<Size> => measureTrees(ctx.db, args),
});

async function followIn(
  ctx: MutationCtx,
  generation: number,
  { operations, queued, deltas }: FollowArgs,
): Promise<void> {
  if (operations.length === 0) return;
  if (queued === true && deltas !== true) return enqueueOperations(ctx, operations, generation);
  if (deltas ?? (await usesDeltas(ctx.db))) return appendDeltas(ctx, operations, generation);
  await foldDeltas(ctx);
  try {
    await applyAll(ctx, generation, operations);
  } catch (error) {
    // A write must not fail because the aggregate is damaged: it is built anew, and says so to its readers.
    if (!isDamage(error)) throw error;
    await states.replaceDamaged(ctx.db, generation, String(error));
  }
}

async function applyAll(
  ctx: MutationCtx,
  generation: number,
  operations: readonly Operation[],
): Promise<void> {
  const forest = new Forest(ctx.db, generation);
  await forest.load(operations.flatMap(namespacesOf), true);
  for (const operation of operations) await applyOperation(forest, operation);
  await forest.flush(ctx.db);
}
