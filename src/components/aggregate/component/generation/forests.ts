/** The trees that a call is about: of the generation that answers for its definition, or of that which nobody manages. */
import { Forest, unmanaged } from "../forest/forest.js";
import type { Readings } from "../native/readings.js";
import { buildingError } from "./progress.js";
import { assertUnmanaged, liveGenerations } from "./directory.js";

/** The trees of a generation, which all that is asked of the same readings shares. */
export function forestOf(readings: Readings, generation: number): Forest {
  return readings.take(`forest ${generation}`, () => new Forest(readings.db, generation, readings));
}

/**
 * The trees that answer for a definition; without one, those that nobody manages.
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
 * The generations that are kept in step for a definition; without one, that which nobody manages.
 * @throws Missing, AGGREGATE_COMPONENT_SHARED
 */
export function writableGenerations(readings: Readings, definition: string | undefined): readonly number[] {
  if (definition !== undefined) return liveGenerations(readings, definition).writable;
  assertUnmanaged(readings);
  return [unmanaged];
}

/** The trees to look into: those that answer, else those in the making. Null when there are none. @throws Missing */
export function inspectedForest(readings: Readings, definition: string | undefined): Forest | null {
  if (definition === undefined) return forestOf(readings, unmanaged);
  const { readable, writable } = liveGenerations(readings, definition);
  const generation = readable ?? writable[0];
  return generation === undefined ? null : forestOf(readings, generation);
}
