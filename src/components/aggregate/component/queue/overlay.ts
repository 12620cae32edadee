/**
 * Makes reads exact while deltas wait. The deltas are applied to the trees in memory, in their order, and are not written. A
 * delta that would be refused changes nothing, as when it is folded. Only those deltas are applied that can matter: those of the
 * namespaces asked for, and of namespaces that items have moved from or to.
 */
import { ConvexError, type Value } from "convex/values";
import { namespaceKey, unmanaged, type Forest } from "../forest/forest.js";
import { apply, applyEach, namespacesOf } from "../forest/operations.js";
import type { Operation } from "../interface/operation.js";
import { isDamage } from "../interface/errors.js";
import type { Readings } from "../reading/readings.js";
import type { PendingRow } from "./pending.js";

/** Why an operation was refused; null when it was not. */
export type Refusal = ConvexError<Value> | null;

/**
 * Applies deltas that wait to a forest that is only read, once for all that is asked of the same readings. O(d log n) for d of
 * them.
 * @param namespaces Those that matter; undefined for all of them.
 * @throws Missing, TREE_DAMAGED
 */
export function overlay(
  readings: Readings,
  forest: Forest,
  rows: readonly PendingRow[],
  namespaces?: readonly (Value | undefined)[],
): void {
  if (rows.length === 0) return;
  const { operations, refusals } = readings.take("overlay", () => {
    const all = rows
      .filter(({ generation = unmanaged }) => generation === forest.generation)
      .flatMap((row) => row.operations);
    const refusals: Refusal[] = [];
    return { operations: namespaces === undefined ? all : concerning(all, namespaces), refusals };
  });
  applyDeltas(forest, operations, refusals);
}

/**
 * Applies operations to the trees in memory, and notes in `refusals` what came of each (see `applyEach`).
 * @throws Missing, TREE_DAMAGED
 */
export function applyDeltas(forest: Forest, operations: readonly Operation[], refusals: Refusal[]): void {
  applyEach(forest, operations, refusals, applyDelta);
}

function applyDelta(forest: Forest, operation: Operation): Refusal {
  try {
    apply(forest, operation);
    return null;
  } catch (error) {
    if (!(error instanceof ConvexError) || isDamage(error)) throw error;
    return error;
  }
}

/** The operations on some namespaces, and on those that are connected with them by moves. */
function concerning(
  operations: readonly Operation[],
  namespaces: readonly (Value | undefined)[],
): readonly Operation[] {
  const touched = operations.map((operation) => namespacesOf(operation).map(namespaceKey));
  const wanted = new Set(namespaces.map(namespaceKey));
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    for (const names of touched) {
      if (names.some((name) => wanted.has(name))) for (const name of names) wanted.add(name);
    }
  }
  return operations.filter((_, index) => touched[index]?.some((name) => wanted.has(name)));
}
