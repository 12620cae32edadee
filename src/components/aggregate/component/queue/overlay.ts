/**
 * What makes reads exact while deltas wait: they are applied to the trees in memory, in their order, and never written.
 * A delta that would be refused changes nothing, here as when it is folded. Only deltas that can matter are applied:
 * those of the namespaces asked for, and of those that items have moved from or to.
 */
import { ConvexError, type Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import { findItem, Position, settleAll } from "../../tree/index.js";
import type { DatabaseReader } from "../_generated/server.js";
import type { Operation } from "../interface/operation.js";
import { isDamage } from "../interface/errors.js";
import { unmanaged, type Forest } from "../forest/forest.js";
import { applyOperation, namespacesOf } from "../forest/operations.js";
import { pendingDeltas, type PendingRow } from "./pending.js";

export interface OverlayOptions {
  /** Passes over queued operations instead of refusing, and over what comes after them. */
  readonly stale: boolean;
  /** The namespaces that matter; all of them when left out. */
  readonly namespaces?: readonly (Value | undefined)[] | undefined;
}

/**
 * Applies the deltas that wait to a forest that is only read. O(1) when there are none.
 * @throws PENDING_OPERATIONS
 */
export async function overlayPending(
  db: DatabaseReader,
  forest: Forest,
  { stale, namespaces }: OverlayOptions,
): Promise<void> {
  const rows = await pendingDeltas(db, stale);
  if (rows.length > 0) await overlay(forest, rows, namespaces);
}

/** The same for deltas that the caller has loaded. O(d log n) for d of them. */
export async function overlay(
  forest: Forest,
  rows: readonly PendingRow[],
  namespaces?: readonly (Value | undefined)[],
): Promise<void> {
  const all = rows
    .filter(({ generation = unmanaged }) => generation === forest.generation)
    .flatMap((row) => row.operations);
  await applyDeltas(forest, namespaces === undefined ? all : concerning(all, namespaces));
}

/**
 * Applies operations to the trees in memory. Returns the errors of those that were refused, null for the others.
 * @throws TREE_DAMAGED
 */
export async function applyDeltas(
  forest: Forest,
  operations: readonly Operation[],
): Promise<(ConvexError<Value> | null)[]> {
  await prefetch(forest, operations);
  const errors: (ConvexError<Value> | null)[] = [];
  for (const operation of operations) {
    try {
      await applyOperation(forest, operation);
      errors.push(null);
    } catch (error) {
      if (!(error instanceof ConvexError) || isDamage(error)) throw error;
      errors.push(error);
    }
  }
  return errors;
}

/** Loads the nodes above the places of all operations, level by level instead of operation by operation. */
export async function prefetch(forest: Forest, operations: readonly Operation[]): Promise<void> {
  await forest.load(operations.flatMap(namespacesOf), true);
  const searches = operations.flatMap((operation) =>
    placesOf(operation).flatMap(({ namespace, key }) => {
      const tree = forest.find(namespace);
      return tree === null ? [] : [() => findItem(tree, new Position(key, operation.id).order)];
    }),
  );
  await settleAll(forest.nodes, searches);
}

function placesOf(operation: Operation): { namespace: Value | undefined; key: Value }[] {
  if (!("newKey" in operation)) return [{ namespace: operation.namespace, key: operation.key }];
  return [
    { namespace: operation.namespace, key: operation.currentKey },
    { namespace: operation.newNamespace, key: operation.newKey },
  ];
}

/** The operations on some namespaces, and on all that moves tie them to. */
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
