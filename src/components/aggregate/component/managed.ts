/** What the app's side of a managed aggregate asks and tells, beside the reads: how it stands, and every write of its table. */
import { v, type Infer } from "convex/values";
import { query, type DatabaseReader, type MutationCtx } from "./_generated/server.js";
import { buildOf, definitionState, mainGeneration, progressOf } from "./generation/progress.js";
import { lastVerified, lastVerifiedRun } from "./check/lifecycle.js";
import { driftedDocument } from "./check/tables.js";
import { driftOf, noteDrift, type Drifted } from "./check/drift.js";
import { appendDeltas } from "./deltas.js";
import { askableMutation, isAsked, throwNotAtHand } from "./native/direct.js";
import { operations, type Operation } from "./interface/operation.js";
import { numberOrNull } from "./interface/question.js";
import { isDamage } from "./interface/errors.js";
import { foldDeltas } from "./queue/folding.js";
import { Forest } from "./forest/forest.js";
import { measureTrees, size as sizeOfTrees } from "./forest/size.js";
import {
  assertUnmanaged,
  generationsOf,
  liveGenerations,
  liveGenerationsNow,
  noneLive,
} from "./generation/directory.js";
import * as states from "./generation/states.js";
import { nativeStoreOf } from "./native/store.js";
import { applyOperation, namespacesOf } from "./forest/operations.js";
import { enqueueOperations } from "./queue.js";
import { applyNow } from "./native/quick_writes.js";
import { usesDeltas, usesNoDeltasNow } from "./queue/settings.js";

/** What happened to a table. */
type Followed = Infer<typeof followed>;
const followed = v.object({
  definition: v.string(),
  operations,
  /** Begins a build where there is none. */
  begins: v.optional(v.boolean()),
  /** Queues the operations, to be applied by the worker. */
  queued: v.optional(v.boolean()),
  /** Appends them as deltas, or not; as the component is set when left out. */
  deltas: v.optional(v.boolean()),
});

/**
 * Applies writes of the table to whatever is kept in step for the definition. When there is nothing, begins its build if it
 * may, and drops what other definitions have. No operation minds what is there already; where the aggregate is ready, an
 * operation that does not find what it says was there `before` has come upon drift. True when somebody has to `advance`: a
 * build was begun, or drift noted. Throws ITEM_TOO_LARGE, AGGREGATE_COMPONENT_SHARED, and
 * PENDING_OPERATIONS while others are queued.
 */
export const follow = askableMutation({
  args: followed,
  returns: v.boolean(),
  handler: (ctx, args) => {
    if (!isAsked(ctx)) return followLater(ctx, args);
    return followNow(ctx, args) ? false : throwNotAtHand();
  },
});

/** Follows where one generation is kept in step, which is nearly always so. False, and nothing has changed, elsewhere. */
function followNow(ctx: MutationCtx, { definition, operations, queued, deltas }: Followed): boolean {
  const { readable, writable } = liveGenerationsNow(ctx.db, definition) ?? noneLive;
  const [generation] = writable;
  if (generation === undefined || generation !== readable || writable.length > 1) return false;
  if (queued === true || (deltas ?? !usesNoDeltasNow(ctx.db))) return false;
  return applyNow(ctx, generation, operations);
}

async function followLater(ctx: MutationCtx, args: Followed): Promise<boolean> {
  const { definition, operations, begins } = args;
  const { readable, writable } = await liveGenerations(ctx.db, definition);
  let isDue = false;
  for (const generation of writable) {
    // What is being built may have come to a document before its write, or not.
    const told = generation === readable ? args : { ...args, operations: operations.map(mindless) };
    isDue = (await followIn(ctx, generation, told)) || isDue;
  }
  if (writable.length > 0 || begins !== true) return isDue;
  // On Trueup a deploy says which definition runs: another class that writes to its component must not take it over.
  if (nativeStoreOf(ctx.db) !== null) await assertUnmanaged(ctx.db);
  if (await states.dropOthers(ctx.db, definition)) {
    // Once after a deploy. Again and again when two definitions share one component: each undoes what the other has.
    console.warn(`[aggregate] the definition ${definition} replaces another one, and is built anew`);
  }
  const generation = await states.createGeneration(ctx.db, definition);
  await followIn(ctx, generation, { ...args, operations: operations.map(mindless) });
  return true;
}

/** An operation that does not say what was there before. */
function mindless({ before: _before, ...operation }: Operation): Operation {
  return operation;
}

/** How a definition stands, in short. */
export const standing = query({
  args: { definition: v.string() },
  returns: v.object({ state: definitionState, hasFailed: v.boolean() }),
  handler: async (ctx, { definition }): Promise<Pick<DefinitionStatus, "state"> & { hasFailed: boolean }> => {
    const generations = await generationsOf(ctx.db, definition);
    return {
      state: mainGeneration(generations)?.status ?? "empty",
      hasFailed: generations.some(({ status }) => status === "failed"),
    };
  },
});

type DefinitionStatus = Infer<typeof definitionStatus>;
const definitionStatus = v.object({
  state: definitionState,
  /** The generation that answers, or that is being built; 0 when there is none. */
  generation: v.number(),
  processed: v.number(),
  total: numberOrNull,
  ratePerSecond: numberOrNull,
  etaMs: numberOrNull,
  lastVerified: v.union(lastVerifiedRun, v.null()),
  drift: numberOrNull,
  drifted: v.array(driftedDocument),
  error: v.union(v.string(), v.null()),
  errorDocumentId: v.union(v.string(), v.null()),
});

/** How a definition stands, in full. */
export const status = query({
  args: { definition: v.string() },
  returns: definitionStatus,
  handler: async (ctx, { definition }): Promise<DefinitionStatus> => {
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
      ...(main === undefined ? { lastVerified: null, ...noDrift } : await knownDrift(ctx.db, number)),
      error: failed?.message ?? null,
      errorDocumentId: failed?.documentId ?? null,
    };
  },
});

const noDrift = { drift: null, drifted: [] };

/** The differences that are known: those that the last check left, and what writes have come upon since. */
async function knownDrift(
  db: DatabaseReader,
  generation: number,
): Promise<Pick<DefinitionStatus, "lastVerified" | "drift" | "drifted">> {
  const verified = await lastVerified(db, generation);
  const noted = await driftOf(db, generation);
  if (noted === null) return { ...verified, drifted: [] };
  return { ...verified, drift: (verified.drift ?? 0) + noted.count, drifted: noted.documents };
}

/** What some of the trees of a generation hold, and how large they are. */
export const size = query({
  args: { generation: v.number(), cursor: v.optional(v.string()) },
  returns: sizeOfTrees,
  handler: (ctx, args) => measureTrees(ctx.db, args),
});

/** True when somebody has to `advance`. */
async function followIn(
  ctx: MutationCtx,
  generation: number,
  { operations, queued, deltas }: Followed,
): Promise<boolean> {
  if (operations.length === 0) return false;
  if (queued === true && deltas !== true) await enqueueOperations(ctx, operations, generation);
  else if (deltas ?? (await usesDeltas(ctx.db))) await appendDeltas(ctx, operations, generation);
  else return applyAll(ctx, generation, operations);
  return false;
}

async function applyAll(
  ctx: MutationCtx,
  generation: number,
  operations: readonly Operation[],
): Promise<boolean> {
  await foldDeltas(ctx);
  const forest = new Forest(ctx.db, generation);
  await forest.load(operations.flatMap(namespacesOf), true);
  const drifted: Drifted[] = [];
  for (const operation of operations) {
    try {
      const kind = await applyOperation(forest, operation);
      if (kind !== null) drifted.push({ id: operation.id, kind });
    } catch (error) {
      // A write must not fail because the aggregate is damaged: it is built anew, and says so to its readers.
      if (!isDamage(error)) throw error;
      await states.replaceDamaged(ctx.db, generation, String(error), operation.id);
      return true;
    }
  }
  await forest.flush(ctx.db);
  await noteDrift(ctx.db, generation, drifted);
  return drifted.length > 0;
}
