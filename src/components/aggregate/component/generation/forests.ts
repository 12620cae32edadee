/** The trees that a call is about: of the generation that answers for its definition, or of that which nobody manages. */
import type { DatabaseReader, MutationCtx, QueryCtx } from "../_generated/server.js";
import { isAsked } from "../native/direct.js";
import { Forest, unmanaged } from "../forest/forest.js";
import { buildingError } from "./progress.js";
import { assertUnmanaged, isUnmanagedNow, liveGenerations, liveGenerationsNow } from "./directory.js";

/** @throws AGGREGATE_BUILDING when no generation of the definition is ready, AGGREGATE_COMPONENT_SHARED */
export async function readableForest(db: DatabaseReader, definition: string | undefined): Promise<Forest> {
  return new Forest(db, await readableGeneration(db, definition));
}

/** The same, shared by all questions of a transaction; null when that cannot be told at once. */
export function readableForestNow(ctx: QueryCtx, definition: string | undefined): Forest | null {
  const generation =
    definition === undefined ? unmanagedNow(ctx.db) : liveGenerationsNow(ctx.db, definition)?.readable;
  if (generation === undefined || generation === null) return null;
  return sharedForest(ctx, generation);
}

function unmanagedNow(db: DatabaseReader): number | null {
  return isUnmanagedNow(db) ? unmanaged : null;
}

/** The trees that all questions, or all writes, asked of one `ctx` share; of any other `ctx`, trees of its own. */
export function sharedForest(ctx: QueryCtx | MutationCtx, generation: number): Forest {
  if (!isAsked(ctx)) return new Forest(ctx.db, generation);
  let forests = sharedForests.get(ctx);
  if (forests === undefined) {
    forests = new Map();
    sharedForests.set(ctx, forests);
  }
  let forest = forests.get(generation);
  if (forest === undefined) {
    forest = new Forest(ctx.db, generation);
    forests.set(generation, forest);
  }
  return forest;
}

const sharedForests = new WeakMap<QueryCtx | MutationCtx, Map<number, Forest>>();

/** @throws AGGREGATE_BUILDING when no generation of the definition is ready, AGGREGATE_COMPONENT_SHARED */
async function readableGeneration(db: DatabaseReader, definition: string | undefined): Promise<number> {
  if (definition === undefined) {
    await assertUnmanaged(db);
    return unmanaged;
  }
  const { readable } = await liveGenerations(db, definition);
  if (readable === null) throw await buildingError(db, definition);
  return readable;
}

/**
 * The generations that are kept in step for a definition; without one, that which nobody manages.
 * @throws AGGREGATE_COMPONENT_SHARED
 */
export async function writableGenerations(
  db: DatabaseReader,
  definition: string | undefined,
): Promise<readonly number[]> {
  if (definition !== undefined) return (await liveGenerations(db, definition)).writable;
  await assertUnmanaged(db);
  return [unmanaged];
}

/** The trees to look into: those that answer, else those in the making. Null when there are none. */
export async function inspectedForest(
  db: DatabaseReader,
  definition: string | undefined,
): Promise<Forest | null> {
  if (definition === undefined) return new Forest(db);
  const { readable, writable } = await liveGenerations(db, definition);
  const generation = readable ?? writable[0];
  return generation === undefined ? null : new Forest(db, generation);
}
