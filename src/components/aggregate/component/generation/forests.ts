/** Finds the trees that a call is about: those of a generation of its definition, or those that nobody manages. */
import { Forest, unmanaged } from "../forest/forest.js";
import type { Readings } from "../reading/readings.js";
import { buildingError } from "./progress.js";
import { assertUnmanaged, liveGenerations } from "./directory.js";

/** The trees of a generation. All calls with the same readings share them. */
export function forestOf(readings: Readings, generation: number): Forest {
  return readings.take(`forest ${generation}`, () => new Forest(readings.db, generation, readings));
}

/**
 * The trees that answer reads of a definition; without a definition, those that nobody manages.
 * @throws Missing, AGGREGATE_COMPONENT_SHARED
 * @throws AGGREGATE_BUILDING when no generation of the definition is ready.
 */
export function readableForest(readings: Readings, definition: string | undefined): Forest {
  if (definition === undefined) {
    assertUnmanaged(readings);
    return forestOf(readings, unmanaged);
  }
  const { readable } = liveGenerations(readings, definition);
  if (readable !== null) return forestOf(readings, readable);
  throw readings.read("building error", () => buildingError(readings.db, definition));
}

/**
 * The generations that are kept in step for a definition; without a definition, the one that nobody manages.
 * @throws Missing, AGGREGATE_COMPONENT_SHARED
 */
export function writableGenerations(readings: Readings, definition: string | undefined): readonly number[] {
  if (definition !== undefined) return liveGenerations(readings, definition).writable;
  assertUnmanaged(readings);
  return [unmanaged];
}

/** The trees to inspect: those that answer, else those that are being built. Null when there are none. @throws Missing */
export function inspectedForest(readings: Readings, definition: string | undefined): Forest | null {
  if (definition === undefined) return forestOf(readings, unmanaged);
  const { readable, writable } = liveGenerations(readings, definition);
  const generation = readable ?? writable[0];
  return generation === undefined ? null : forestOf(readings, generation);
}
