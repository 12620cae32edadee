/**
 * Makes reads exact while deltas wait. The deltas are applied to the trees in memory, in their order, and are not written. A
 * delta that would be refused changes nothing, as when it is folded. Only those deltas are applied that can matter: those of the
 * namespaces asked for, and of namespaces that items have moved from or to.
 */
import { ConvexError, type Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import { unmanaged, type Forest } from "../forest/forest.js";
import { apply, applyEach, namespacesOf } from "../forest/operations.js";
import type { Operation } from "../interface/operation.js";
import { isDamage } from "../interface/errors.js";
import type { Readings } from "../reading/readings.js";
import { pendingDeltas } from "./pending.js";

/** Why an operation was refused; null when it was not. */
export type Refusal = ConvexError<Value> | null;

/**
 * Applies the deltas that wait to a forest that is only read, once for all questions with the same readings. O(1) when there
 * are none, O(d log n) for d of them.
 * @param stale Whether to ignore queued operations, and all deltas behind them, instead of refusing.
 * @param listNamespaces Lists the namespaces that matter; undefined stands for all of them.
 * @throws Missing, PENDING_OPERATIONS, TREE_DAMAGED
 */
export function overlayPending(
  readings: Readings,
  forest: Forest,
  stale: boolean,
  listNamespaces: () => readonly (Value | undefined)[] | undefined = () => undefined,
): void {
  const rows = pendingDeltas(readings, stale);
  if (rows.length === 0) return;
  const { operations, refusals } = readings.take("overlay", () => {
    const all = rows
      .filter(({ generation = unmanaged }) => generation === forest.generation)
      .flatMap((row) => row.operations);
    const namespaces = listNamespaces();
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
  applyEach(forest, operations, refusals, (operation) => {
    try {
      apply(forest, operation);
      return null;
    } catch (error) {
      if (!(error instanceof ConvexError) || isDamage(error)) throw error;
      return error;
    }
  });
}

/** The operations on some namespaces, and on those that are connected with them by moves. */
function concerning(
  operations: readonly Operation[],
  namespaces: readonly (Value | undefined)[],
): readonly Operation[] {
  const touched = operations.map((operation) => namespacesOf(operation).map(nameOf));
  const wanted = new Set(namespaces.map(nameOf));
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    for (const names of touched) {
      if (names.some((name) => wanted.has(name))) for (const name of names) wanted.add(name);
    }
  }
  return operations.filter((_, index) => touched[index]?.some((name) => wanted.has(name)));
}

function nameOf(namespace: Value | undefined): string {
  return encodeKey([namespace]);
}
