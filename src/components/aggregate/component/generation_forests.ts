/** The trees that a call is about: of the generation that answers for its definition, or of that which nobody manages. */
import type { DatabaseReader } from "./_generated/server.js";
import { Forest, UNMANAGED } from "./forest.js";
import { buildingError } from "./build_progress.js";
import { liveGenerations } from "./generation_directory.js";

/** @throws AGGREGATE_BUILDING when no generation of the definition is ready. */
export async function readableForest(db: DatabaseReader, definition: string | undefined): Promise<Forest> {
  return new Forest(db, await readableGeneration(db, definition));
}

/** @throws AGGREGATE_BUILDING when no generation of the definition is ready. */
export async function readableGeneration(
  db: DatabaseReader,
  definition: string | undefined,
): Promise<number> {
  if (definition === undefined) return UNMANAGED;
  const { readable } = await liveGenerations(db, definition);
  if (readable === null) throw await buildingError(db, definition);
  return readable;
}

/** The generations that are kept in step for a definition; without one, that which nobody manages. */
export async function writableGenerations(
  db: DatabaseReader,
  definition: string | undefined,
): Promise<readonly number[]> {
  if (definition === undefined) return [UNMANAGED];
  return (await liveGenerations(db, definition)).writable;
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
