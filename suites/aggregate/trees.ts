/** Makes trees without a component, for tests of the algorithm, on nodes that must be awaited or are at hand. */
import type { Value } from "convex/values";
import { expect } from "vitest";
import {
  checkTree,
  emptyLeaf,
  isLeaf,
  NodeCache,
  Position,
  withoutTrailingNulls,
  type CountedTree,
  type Item,
  type Node,
  type NodeRef,
} from "../../src/components/aggregate/tree/index.js";

/** A store that behaves like one on documents: a transaction awaits what it reads, and hides its writes until it ends. */
export class AwaitedNodes extends NodeCache {
  readonly #stored = new Map<NodeRef, Node>();

  override async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.resolve();
    for (const ref of refs) {
      const node = this.#stored.get(ref);
      if (node === undefined) this.absent.add(ref);
      else {
        this.nodes.set(
          ref,
          isLeaf(node) ? { ...node, items: [...node.items] } : { ...node, children: [...node.children] },
        );
      }
    }
  }

  /** Ends the transaction, and returns how many nodes it wrote. */
  commit(): number {
    for (const ref of this.removed) this.#stored.delete(ref);
    const written = [...this.nodes].filter(([ref]) => this.created.has(ref) || this.edited.has(ref));
    for (const [ref, node] of written) this.#stored.set(ref, node);
    for (const set of [this.nodes, this.created, this.edited, this.removed]) set.clear();
    return written.length;
  }
}

/** How a tree is set up. */
export interface Shape {
  readonly maxNodeSize: number;
  readonly rootLazy: boolean;
}

export function newTree<Nodes extends NodeCache>(
  nodes: Nodes,
  shape: Shape,
): CountedTree & { readonly nodes: Nodes } {
  return { nodes, state: { root: nodes.create(emptyLeaf()), ...shape } };
}

export function item(key: Value, id: string, ...values: (number | null)[]): Item {
  return { position: new Position(key, id), values: withoutTrailingNulls(values) };
}

export function ordersOf(items: readonly Item[]): string[] {
  return items.map(({ position }) => position.order);
}

/** Fails with whatever the structural check finds. */
export function expectSound(tree: CountedTree): void {
  expect(checkTree(tree, "", Infinity).problems).toEqual([]);
}
