/**
 * Computes by brute force what a check should find: reads every tree from one end to the other and every document, and uses
 * nothing of the check's own code but the structural check of a single tree.
 */
import { encodeKey } from "../../src/values/index.js";
import {
  checkTree,
  isLeaf,
  rangeOf,
  scanRange,
  settle,
  untilLoaded,
  type Item,
  type NodeRef,
} from "../../src/components/aggregate/tree/index.js";
import { Forest, type StoredTree } from "../../src/components/aggregate/component/forest/forest.js";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import { source, type CheckedHost } from "./checked-host.js";

interface TrueItem {
  readonly id: string;
  readonly space: string;
  readonly order: string;
  readonly values: string;
}

/** A difference as `kind id`. */
export type Finding = string;

export interface Truth {
  /** Namespaces whose trees are damaged, encoded. */
  readonly damaged: ReadonlySet<string>;
  /** True when two trees have a node in common, so that the view of either depends on where one begins to look. */
  readonly sharesNodes: boolean;
  /** All differences in the undamaged trees, sorted. */
  readonly findings: Finding[];
  /** The items of each tree that is not damaged, by namespace. */
  readonly contents: Record<string, TrueItem[]>;
}

/** @param generation Of a managed aggregate; by default that of an unmanaged one. */
export async function truthOf(host: CheckedHost, generation = 0): Promise<Truth> {
  const expected = (await documentsOf(host)).map(itemOf);
  const { items, damaged, sharesNodes } = await host.inside((ctx) => itemsOf(new Forest(ctx.db, generation)));
  const byId = new Map(expected.map((item) => [item.id, item]));
  const places = new Set(items.map(({ space, order }) => space + order));
  const misplaced = new Set<string>();
  const findings: Finding[] = [];
  for (const item of items) {
    const right = byId.get(item.id);
    if (right === undefined) findings.push(`orphaned ${item.id}`);
    else if (right.space === item.space && right.order === item.order) {
      if (right.values !== item.values) findings.push(`wrongSum ${item.id}`);
    } else if (places.has(right.space + right.order) || misplaced.has(item.id)) {
      findings.push(`duplicate ${item.id}`);
    } else {
      if (!damaged.has(right.space)) misplaced.add(item.id);
      findings.push(`${right.space === item.space ? "wrongKey" : "wrongNamespace"} ${item.id}`);
    }
  }
  for (const { id, space, order } of expected) {
    if (!damaged.has(space) && !places.has(space + order) && !misplaced.has(id)) {
      findings.push(`missing ${id}`);
    }
  }
  const contents: Record<string, TrueItem[]> = {};
  for (const item of items) (contents[item.space] ??= []).push(item);
  return { damaged, sharesNodes, findings: findings.toSorted(), contents };
}

/** The documents' items, by namespace, as they should stand in the trees. */
export async function expectedContents(host: CheckedHost): Promise<Record<string, TrueItem[]>> {
  const contents: Record<string, TrueItem[]> = {};
  for (const item of (await documentsOf(host)).map(itemOf)) (contents[item.space] ??= []).push(item);
  for (const items of Object.values(contents)) items.sort((a, b) => (a.order < b.order ? -1 : 1));
  return contents;
}

function documentsOf(host: CheckedHost): Promise<StoredDocument[]> {
  return host.run((ctx) => ctx.db.query("scores").collect()) as Promise<StoredDocument[]>;
}

function itemOf(document: StoredDocument): TrueItem {
  const { id, key, namespace, sumValue, sumValues } = source.itemOf(document);
  const named = [["", sumValue], ...Object.entries(sumValues ?? {})];
  return { id, space: encodeKey([namespace]), order: encodeKey([key, id]), values: valuesText(named) };
}

/** The items of a document wherever they can be reached, in trees that are damaged, too: each as `place values`, sorted. */
export function itemsOfDocument(host: CheckedHost, generation: number, id: string): Promise<string[]> {
  return host.inside(async (ctx) => {
    const found: string[] = [];
    const forest = new Forest(ctx.db, generation);
    for (const tree of await untilLoaded(() => forest.select("all"))) {
      const space = encodeKey([tree.namespace]);
      for (const item of await reachableItems(tree)) {
        if (item.position.id === id) found.push(shownItem(trueItem(tree, space, item)));
      }
    }
    return found.toSorted();
  });
}

/** The item that a document should have, in the same form. */
export function expectedItem(document: StoredDocument): string {
  return shownItem(itemOf(document));
}

function shownItem({ space, order, values }: TrueItem): string {
  return JSON.stringify([space, order, values]);
}

/** The items of all nodes that can be reached, each node once. */
async function reachableItems(tree: StoredTree): Promise<Item[]> {
  const refs = [...(await refsOf(tree))];
  const nodes = await Promise.all(refs.map((ref) => settle(tree.nodes, () => tree.nodes.find(ref))));
  return nodes.flatMap((node) => (node !== null && isLeaf(node) ? node.items : []));
}

async function itemsOf(forest: Forest) {
  const trees = await untilLoaded(() => forest.select("all"));
  const damaged = new Set<string>();
  const items: TrueItem[] = [];
  const holders = new Map<NodeRef, Set<StoredTree>>();
  for (const tree of trees) for (const ref of await refsOf(tree)) addTo(holders, ref, tree);
  const sharing = new Set([...holders.values()].filter(({ size }) => size > 1).flatMap((set) => [...set]));
  for (const tree of trees) {
    const space = encodeKey([tree.namespace]);
    const { problems } = await settle(forest.nodes, () => checkTree(tree, "", Infinity));
    const isShared = trees.some((other) => other !== tree && other.state.root === tree.state.root);
    if (problems.length > 0 || isShared) damaged.add(space);
    else items.push(...(await contentsOf(tree, space)));
  }
  return { items, damaged, sharesNodes: sharing.size > 0 };
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}

/** Every node that can be reached in a tree. */
async function refsOf(tree: StoredTree): Promise<Set<NodeRef>> {
  const found = new Set<NodeRef>();
  const walk = async (ref: NodeRef): Promise<void> => {
    const node = await settle(tree.nodes, () => tree.nodes.find(ref));
    if (node === null || found.has(ref)) return;
    found.add(ref);
    if (!isLeaf(node)) for (const child of node.children) await walk(child.ref);
  };
  await walk(tree.state.root);
  return found;
}

async function contentsOf(tree: StoredTree, space: string): Promise<TrueItem[]> {
  const found = await settle(tree.nodes, () => scanRange(tree, rangeOf(undefined), "asc", Infinity));
  return found.map((item) => trueItem(tree, space, item));
}

function trueItem(tree: StoredTree, space: string, { position, values }: Item): TrueItem {
  return {
    id: position.id,
    space,
    order: position.order,
    values: valuesText(values.map((value, index) => [tree.state.measures[index], value])),
  };
}

function valuesText(named: (readonly unknown[])[]): string {
  return JSON.stringify(
    named
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, Object.is(value, -0) ? "-0" : String(value)])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}
