/**
 * How the algorithm reaches nodes, and the nodes of one transaction in memory: each is read once, and written once at the end,
 * however many operations touch it. Operations are atomic: what one changed before it failed, or before it missed a node, is
 * undone. What was loaded is never changed, only replaced by a copy, so stores may share it. With nothing beneath it `NodeCache`
 * is a store of its own, the in-memory tree; the component puts documents, or cells, beneath.
 */
import { ConvexError } from "convex/values";
import { throwMissing, untilLoaded, type Source } from "./missing.js";
import { isLeaf, newBranch, newLeaf, type Node, type NodeRef } from "./node.js";

/**
 * A transaction's view of the nodes.
 *
 * Contract: a node is changed only through what `edit` returns, within an operation that can be undone. From then on `get`
 * returns that object, until the operation ends; what it returned before stays as it was.
 */
export interface NodeStore {
  /**
   * @throws Missing when the node has to be loaded first.
   * @throws TREE_DAMAGED when the store has no such node.
   */
  get(ref: NodeRef): Node;
  /** The same, but null when the store has no such node. */
  find(ref: NodeRef): Node | null;
  /** Announces nodes that are about to be read. @throws Missing with all of them that have to be loaded. */
  expect(refs: readonly NodeRef[]): void;
  /** A copy of the node that takes its place, to be changed in place, before anything is searched in it or counted. */
  edit(ref: NodeRef): Node;
  create(node: Node): NodeRef;
  remove(ref: NodeRef): void;
  /** Has `undo` called if the operation under way is rolled back. */
  onRollback(undo: () => void): void;
}

/** The nodes of one transaction. A store beneath says by `fetch` what it has at hand, and loads the rest. */
export class NodeCache implements NodeStore, Source {
  /** Every node that was read or created, and is not removed. */
  protected readonly nodes: Map<NodeRef, Node> = new Map();
  /** Nodes that were looked for and are not there, which only damage explains. */
  protected readonly absent: Set<NodeRef> = new Set();
  protected readonly created: Set<NodeRef> = new Set();
  protected readonly edited: Set<NodeRef> = new Set();
  protected readonly removed: Set<NodeRef> = new Set();
  /** How to undo the operation under way, last step last, and the nodes whose former state it holds. */
  #undo: (() => void)[] = [];
  readonly #saved: Set<NodeRef> = new Set();
  #createdCount = 0;

  get(ref: NodeRef): Node {
    return this.find(ref) ?? throwDamaged(ref);
  }

  find(ref: NodeRef): Node | null {
    const node = this.#atHand(ref);
    return node === undefined ? throwMissing([{ source: this, name: ref }]) : node;
  }

  expect(refs: readonly NodeRef[]): void {
    const missing = refs.filter((ref) => this.#atHand(ref) === undefined);
    if (missing.length > 0) throwMissing(missing.map((name) => ({ source: this, name })));
  }

  /** Takes up nodes that were missed. With nothing beneath, there are none. */
  async load(refs: readonly NodeRef[]): Promise<void> {
    for (const ref of refs) this.keep(ref, null);
  }

  /** The node as the store beneath has it at hand, null when it has none; undefined when it has to be loaded. */
  protected fetch(_ref: NodeRef): Node | null | undefined {
    return undefined;
  }

  /** Takes up a node as it is stored; null says that there is none. */
  protected keep(ref: NodeRef, node: Node | null): void {
    if (node === null) this.absent.add(ref);
    else this.nodes.set(ref, node);
  }

  #atHand(ref: NodeRef): Node | null | undefined {
    const node = this.nodes.get(ref);
    if (node !== undefined) return node;
    // What was removed and is still pointed at, which only damage explains, must not be loaded: it would come again and again.
    if (this.absent.has(ref) || this.removed.has(ref)) return null;
    const fetched = this.fetch(ref);
    if (fetched !== undefined) this.keep(ref, fetched);
    return fetched;
  }

  edit(ref: NodeRef): Node {
    const before = this.get(ref);
    if (this.#saved.has(ref)) {
      before.outline = undefined;
      return before;
    }
    const node = copyOf(before);
    this.nodes.set(ref, node);
    this.#saved.add(ref);
    const isFirst = !this.edited.has(ref);
    if (isFirst) this.edited.add(ref);
    this.#undo.push(() => {
      this.nodes.set(ref, before);
      if (isFirst) this.edited.delete(ref);
    });
    return node;
  }

  create(node: Node): NodeRef {
    // Refs of stored nodes are not numbers where there are any, so these are nobody else's.
    const ref = this.#createdCount++;
    this.nodes.set(ref, node);
    this.created.add(ref);
    this.#undo.push(() => {
      this.nodes.delete(ref);
      this.created.delete(ref);
    });
    return ref;
  }

  remove(ref: NodeRef): void {
    const node = this.get(ref);
    const wasCreated = this.created.delete(ref);
    this.nodes.delete(ref);
    if (!wasCreated) this.removed.add(ref);
    this.#undo.push(() => {
      this.nodes.set(ref, node);
      if (wasCreated) this.created.add(ref);
      this.removed.delete(ref);
    });
  }

  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Runs an operation, which has changed nothing when it throws. */
  attempt<T>(operation: () => T): T {
    this.#begin();
    try {
      return operation();
    } catch (error) {
      for (const undo of this.#undo.toReversed()) undo();
      this.#begin();
      throw error;
    }
  }

  /** What was changed has been stored: from here on it is as it was read. */
  protected forgetChanges(): void {
    this.created.clear();
    this.edited.clear();
    this.removed.clear();
    this.#begin();
  }

  #begin(): void {
    this.#undo = [];
    this.#saved.clear();
  }
}

/** Makes one operation when all the nodes that it needs are loaded. An operation that throws has changed nothing. */
export async function settle<T>(nodes: NodeCache, operation: () => T): Promise<T> {
  return untilLoaded(() => nodes.attempt(operation));
}

function throwDamaged(ref: NodeRef): never {
  throw new ConvexError({
    code: "TREE_DAMAGED",
    message: `The aggregate's node ${ref} is missing, or cannot be read.`,
  });
}

/** Entries are never changed themselves, so a copy of their list is a copy of the node. It has no outline yet. */
function copyOf(node: Node): Node {
  return isLeaf(node) ? newLeaf(node.items.slice()) : newBranch(node.level, node.children.slice(), node.memo);
}
