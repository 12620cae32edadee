/**
 * The functions of managed aggregates beside reads and builds: they follow the writes of a table, and tell how a definition
 * stands.
 */
import { nativeStoreOf } from "../../../seams/index.js";
import { v, type Infer } from "convex/values";
import type { Soon } from "../tree/index.js";
import { query, type DatabaseReader, type MutationCtx } from "./_generated/server.js";
import { driftOf } from "./check/drift.js";
import { lastVerified, lastVerifiedRun } from "./check/lifecycle.js";
import { driftedDocument } from "./check/tables.js";
import { measureTrees, size as sizeOfTrees } from "./forest/size.js";
import { appendDeltas } from "./deltas.js";
import { appendBeside } from "./generation/beside.js";
import { assertUnmanaged, generationsOf, liveGenerations } from "./generation/directory.js";
import { buildOf, definitionState, mainGeneration, progressOf } from "./generation/progress.js";
import * as states from "./generation/states.js";
import { operations, type Operation } from "./interface/operation.js";
import { numberOrNull } from "./interface/question.js";
import { askableMutation, inCall, readFrom, writeFrom } from "./reading/readings.js";
import { enqueueOperations } from "./queue.js";
import { write } from "./writes.js";

/** Writes of a table. */
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
 * Applies writes of the table to every generation of the definition that is kept in step. When there is none, and `begins` is
 * set, begins a build and drops what other definitions have. No operation is refused for what is there already. Where the
 * aggregate is ready, an operation that does not find what it says was there `before` has come upon drift, which is noted.
 * Returns true when somebody has to call `advance`, because a build was begun or drift was noted.
 * @throws ITEM_TOO_LARGE, AGGREGATE_COMPONENT_SHARED
 * @throws PENDING_OPERATIONS while other operations are queued.
 */
export const follow = askableMutation({
  args: followed,
  returns: v.boolean(),
  handler: (ctx, args) =>
    writeFrom(ctx, (readings) => {
      const { readable, writable, inBulk = [], sealed = [] } = liveGenerations(readings, args.definition);
      const [generation, ...others] = writable;
      if (generation === undefined) {
        return args.begins === true ? inCall(ctx, () => beginWith(ctx, args)) : () => false;
      }
      if (others.length === 0 && inBulk.length === 0 && sealed.length === 0) {
        return () => followIn(ctx, generation, generation === readable, args);
      }
      return inCall(ctx, async () => {
        let isDue = false;
        for (const each of writable) {
          if (inBulk.includes(each)) await appendBeside(ctx.db, each, args.operations.map(withoutBefore));
          else if (sealed.includes(each)) await appendDeltas(ctx, args.operations.map(withoutBefore), each);
          else isDue = (await followIn(ctx, each, each === readable, args)) || isDue;
        }
        return isDue;
      });
    }),
});

/** Begins a build for the definition, and drops what other definitions have. */
async function beginWith(ctx: MutationCtx, args: Followed): Promise<boolean> {
  const { definition } = args;
  // On Trueup a deploy says which definition runs: another class that writes to its component must not take it over.
  if (nativeStoreOf(ctx.db) !== null) await readFrom(ctx.db, assertUnmanaged);
  if (await states.dropOthers(ctx.db, definition)) {
    // This happens once after a deploy. When two definitions share a component, it happens again and again: each drops the other.
    console.warn(`[aggregate] the definition ${definition} replaces another one, and is built anew`);
  }
  const generation = await states.createGeneration(ctx.db, definition);
  await followIn(ctx, generation, false, args);
  return true;
}

/**
 * Follows writes in one generation; returns true when somebody has to call `advance`. Only a generation that answers can tell
 * drift: one that is being built may, or may not, have come to a document before its write.
 */
function followIn(
  ctx: MutationCtx,
  generation: number,
  isReadable: boolean,
  { operations, queued, deltas }: Followed,
): Soon<boolean> {
  const told = isReadable ? operations : operations.map(withoutBefore);
  if (told.length === 0) return false;
  if (queued !== true || deltas === true) return write(ctx, generation, told, deltas);
  return inCall(ctx, () => enqueueOperations(ctx, told, generation).then(() => false))();
}

/** The operation without what it says was there before. */
function withoutBefore({ before: _before, ...operation }: Operation): Operation {
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
    // A build beside the generation that answers may have failed, too.
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

/** The known differences: those that the last check has left, and those that writes have come upon since. */
async function knownDrift(
  db: DatabaseReader,
  generation: number,
): Promise<Pick<DefinitionStatus, "lastVerified" | "drift" | "drifted">> {
  const verified = await lastVerified(db, generation);
  const noted = await driftOf(db, generation);
  if (noted === null) return { ...verified, drifted: [] };
  return { ...verified, drift: (verified.drift ?? 0) + noted.count, drifted: noted.documents };
}

/** What some of the trees of a generation hold, and how much room they take up. */
export const size = query({
  args: { generation: v.number(), cursor: v.optional(v.string()) },
  returns: sizeOfTrees,
  handler: (ctx, args) => measureTrees(ctx.db, args),
});
