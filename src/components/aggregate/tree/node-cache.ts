/**
 * The nodes of one transaction in memory: each is read once, and written once at the end, however many operations touch
 * it. Operations are atomic: what one changed before it failed, or before it missed a node, is undone. What was loaded is
 * never changed, only replaced by a copy, so stores may share it. With nothing beneath it this is a store of its own, the
 * in-memory tree; `component/nodes.ts` puts documents, or cells, beneath.
 */
import { ConvexError } from "convex/values";
import { isLeaf, type Node, type NodeRef } from "./node.js";
import { throwMissing, type NodeStore } from "./node-store.js";

export class NodeCache implements NodeStore {
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
    const node = this.nodes.get(ref);
    if (node !== undefined) return node;
    // What was removed and is still pointed at, which only damage explains, must not be waited for: it would come again and again.
    return this.absent.has(ref) || this.removed.has(ref) ? null : throwMissing([ref]);
  }

  expect(refs: readonly NodeRef[]): void {
    const missing = refs.filter(
      (ref) => !this.nodes.has(ref) && !this.absent.has(ref) && !this.removed.has(ref),
    );
    if (missing.length > 0) throwMissing(missing);
  }

  edit(ref: NodeRef): Node {
    const before = this.get(ref);
    if (this.#saved.has(ref)) return before;
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

  /** What was changed has been stored: from here on it is as it was read. */
  protected forgetChanges(): void {
    this.created.clear();
    this.edited.clear();
    this.removed.clear();
    this.begin();
  }

  begin(): void {
    this.#undo = [];
    this.#saved.clear();
  }

  rollback(): void {
    for (const undo of this.#undo.toReversed()) undo();
    this.begin();
  }
}

function throwDamaged(ref: NodeRef): never {
  throw new ConvexError({
    code: "TREE_DAMAGED",
    message: `The aggregate's node ${ref} is missing, or cannot be read.`,
  });
}

/** Entries are never changed themselves, so a copy of their list is a copy of the node. */
function copyOf(node: Node): Node {
  return isLeaf(node)
    ? { level: 0, items: node.items.slice() }
    : { level: node.level, children: node.children.slice(), memo: node.memo };
}
