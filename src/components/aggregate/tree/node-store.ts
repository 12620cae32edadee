/**
 * How the algorithm reaches nodes. It is written once, as plain synchronous functions: a store that has every node at
 * hand answers at once, and one that must await them throws `MissingNodes`, is filled by its driver, and the function
 * runs again (`settle`). Measured against generators with a synchronous driver, this takes two thirds of the time
 * where nodes are at hand, and a retry costs a fraction of a microsecond where they are not.
 */
import type { Node, NodeRef } from "./node.js";

/**
 * A transaction's view of the nodes.
 *
 * Contract: a node is changed only through what `edit` returns, after everything the operation may read has been read or
 * can be undone by `rollback`. From then on `get` returns that object, until the operation ends; what it returned before
 * stays as it was.
 */
export interface NodeStore {
  /**
   * @throws MissingNodes when the node has to be loaded first.
   * @throws TREE_DAMAGED when the store has no such node.
   */
  get(ref: NodeRef): Node;
  /** The same, but null when the store has no such node. */
  find(ref: NodeRef): Node | null;
  /** Announces nodes that are about to be read. @throws MissingNodes with all of them that have to be loaded. */
  expect(refs: readonly NodeRef[]): void;
  /** A copy of the node that takes its place, to be changed in place. */
  edit(ref: NodeRef): Node;
  create(node: Node): NodeRef;
  remove(ref: NodeRef): void;
  /** Has `undo` called if the operation under way is rolled back. */
  onRollback(undo: () => void): void;
}

/** A store that is filled between attempts. */
export interface LoadableNodes {
  load(refs: readonly NodeRef[]): Promise<void>;
  /** Makes what follows one operation: it stays as a whole, or `rollback` undoes it as a whole. */
  begin(): void;
  rollback(): void;
}

/** Thrown by a store for nodes that it has not loaded yet. A signal, not an error: it carries no stack. */
class MissingNodes {
  readonly refs: readonly NodeRef[];

  constructor(refs: readonly NodeRef[]) {
    this.refs = refs;
  }
}

export function throwMissing(refs: readonly NodeRef[]): never {
  // oxlint-disable-next-line typescript/only-throw-error -- an Error would spend more time on its stack than the retry takes
  throw new MissingNodes(refs);
}

/** Runs a part of an operation, noting the nodes it misses instead of stopping at them. */
export function gatherMissing(missing: NodeRef[], part: () => void): void {
  try {
    part();
  } catch (error) {
    if (!(error instanceof MissingNodes)) throw error;
    missing.push(...error.refs);
  }
}

/** What a read gives; null when it misses nodes. */
export function unlessMissing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof MissingNodes) return null;
    throw error;
  }
}

/** Runs a change if it misses no nodes. False, like when it says so itself, when it has not been made. */
export function settleNow(nodes: LoadableNodes, change: () => boolean): boolean {
  const attempt = tryOnce(nodes, change);
  if (attempt.missing !== null) return false;
  if (!attempt.result) nodes.rollback();
  return attempt.result;
}

/** Runs an operation until all the nodes it needs are there. An operation that throws has changed nothing. */
export async function settle<T>(nodes: LoadableNodes, operation: () => T): Promise<T> {
  const [result] = await settleAll(nodes, [operation]);
  return result as T;
}

/** Runs several operations, in order, so that each round of loading brings what all of them miss. For reads only. */
export async function settleAll<T>(nodes: LoadableNodes, operations: readonly (() => T)[]): Promise<T[]> {
  const results: T[] = [];
  let waiting = operations.map((operation, index) => ({ operation, index }));
  while (waiting.length > 0) {
    const missing = new Set<NodeRef>();
    waiting = waiting.filter(({ operation, index }) => {
      const attempt = tryOnce(nodes, operation);
      if (attempt.missing === null) results[index] = attempt.result;
      else for (const ref of attempt.missing) missing.add(ref);
      return attempt.missing !== null;
    });
    if (missing.size > 0) await nodes.load([...missing]);
  }
  return results;
}

type Attempt<T> = { missing: null; result: T } | { missing: readonly NodeRef[] };

function tryOnce<T>(nodes: LoadableNodes, operation: () => T): Attempt<T> {
  nodes.begin();
  try {
    return { missing: null, result: operation() };
  } catch (error) {
    nodes.rollback();
    if (error instanceof MissingNodes) return { missing: error.refs };
    throw error;
  }
}
