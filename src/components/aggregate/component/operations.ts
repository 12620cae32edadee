/**
 * What each operation does to the trees. Everything an operation needs is loaded before, or missed and then loaded by
 * `settle`; an operation that is refused has changed nothing.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../values/index.js";
import {
  findItem,
  insertItem,
  itemBytes,
  MAX_ITEM_BYTES,
  Position,
  putItem,
  removeItem,
} from "../tree/index.js";
import { settle, withoutTrailingNulls, type Item } from "../tree/index.js";
import type { ItemMove, ItemPlace, ItemValues, Operation } from "./documents.js";
import { aggregateError, show } from "./errors.js";
import { PLAIN_MEASURE, UNMANAGED, type Forest, type StoredTree } from "./forest.js";

/**
 * Applies an operation to the trees in memory; `forest.flush` writes them. Those of a managed aggregate are also written to
 * by its fill, its repair and whoever else follows the table: there, no operation minds what is there already.
 * @throws DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE
 */
export async function applyOperation(forest: Forest, operation: Operation): Promise<void> {
  const namespaces = namespacesOf(operation);
  await forest.load(namespaces, true);
  if (namespaces.some((namespace) => forest.successorOf(namespace) !== null)) {
    await applyToSuccessors(forest, operation);
  } else {
    await settle(forest.nodes, () => perform(forest, operation));
  }
}

/**
 * Applies an operation where a tree is being made anew: to that tree, as far as its damage lets it, and to its successor.
 * Neither knows for sure what is there already, so no operation minds.
 */
async function applyToSuccessors(forest: Forest, operation: Operation): Promise<void> {
  for (const { place, values } of partsOf(operation)) {
    const successor = forest.successorOf(place.namespace);
    try {
      await settle(forest.nodes, () => changePlace(treeFor(forest, place.namespace), place, values));
    } catch (error) {
      if (successor === null) throw error;
    }
    if (successor !== null) await settle(successor.nodes, () => changePlace(successor, place, values));
  }
}

/** What an operation takes away (`values` is null) and puts in. */
function partsOf(operation: Operation): { place: ItemPlace; values: ItemValues | null }[] {
  if ("newKey" in operation) {
    const { id, sumValue, sumValues } = operation;
    const from = { key: operation.currentKey, id, namespace: operation.namespace };
    const to = { key: operation.newKey, id, namespace: operation.newNamespace };
    const put = { place: to, values: { sumValue, sumValues } };
    return isSamePlace(from, to) ? [put] : [{ place: from, values: null }, put];
  }
  const isPut = operation.type === "insert" || operation.type === "put";
  return [{ place: operation, values: isPut ? operation : null }];
}

function changePlace(tree: StoredTree, place: ItemPlace, values: ItemValues | null): void {
  if (values === null) removeItem(tree, new Position(place.key, place.id).order);
  else putItem(tree, itemFor(tree, place, values));
}

/** The namespaces that an operation concerns. */
export function namespacesOf(operation: Operation): (Value | undefined)[] {
  return "newKey" in operation ? [operation.namespace, operation.newNamespace] : [operation.namespace];
}

/** Applies an operation to trees that are loaded; what it changed before it throws is for the caller to undo. */
export function perform(forest: Forest, operation: Operation): void {
  const strict = forest.generation === UNMANAGED;
  switch (operation.type) {
    case "insert":
      if (strict) insert(forest, operation, operation);
      else put(forest, operation, operation);
      break;
    case "put":
      put(forest, operation, operation);
      break;
    case "delete":
      if (strict) remove(forest, operation);
      else removeIfThere(forest, operation);
      break;
    case "deleteIfExists":
      removeIfThere(forest, operation);
      break;
    case "replace":
    case "replaceOrInsert":
      if (strict) move(forest, operation, operation.type === "replace");
      else moveIfThere(forest, operation);
      break;
  }
}

function insert(forest: Forest, place: ItemPlace, values: ItemValues): void {
  const tree = treeFor(forest, place.namespace);
  if (!insertItem(tree, itemFor(tree, place, values))) {
    throw aggregateError("DUPLICATE_KEY", `key ${describe(place)} already exists`);
  }
}

function put(forest: Forest, place: ItemPlace, values: ItemValues): void {
  const tree = treeFor(forest, place.namespace);
  putItem(tree, itemFor(tree, place, values));
}

function remove(forest: Forest, place: ItemPlace): void {
  if (!removeIfThere(forest, place)) throw missingKey(place);
}

function removeIfThere(forest: Forest, { namespace, key, id }: ItemPlace): boolean {
  const tree = forest.find(namespace);
  return tree !== null && removeItem(tree, new Position(key, id).order) !== null;
}

function move(forest: Forest, operation: ItemMove, strict: boolean): void {
  const { id, sumValue, sumValues } = operation;
  const from = { key: operation.currentKey, id, namespace: operation.namespace };
  const to = { key: operation.newKey, id, namespace: operation.newNamespace };
  if (isSamePlace(from, to)) {
    if (strict) demand(forest, from);
    put(forest, to, { sumValue, sumValues });
    return;
  }
  if (strict) remove(forest, from);
  else removeIfThere(forest, from);
  insert(forest, to, { sumValue, sumValues });
}

function moveIfThere(forest: Forest, operation: ItemMove): void {
  const { id, sumValue, sumValues } = operation;
  const from = { key: operation.currentKey, id, namespace: operation.namespace };
  const to = { key: operation.newKey, id, namespace: operation.newNamespace };
  if (!isSamePlace(from, to)) removeIfThere(forest, from);
  put(forest, to, { sumValue, sumValues });
}

function isSamePlace(a: ItemPlace, b: ItemPlace): boolean {
  return encodeKey([a.namespace, a.key]) === encodeKey([b.namespace, b.key]);
}

function demand(forest: Forest, place: ItemPlace): void {
  const tree = forest.find(place.namespace);
  if (tree === null || findItem(tree, new Position(place.key, place.id).order) === null)
    throw missingKey(place);
}

function missingKey(place: ItemPlace): Error {
  return aggregateError("DELETE_MISSING_KEY", `key ${describe(place)} not found`);
}

function describe({ key, id }: ItemPlace): string {
  return `${show(key)} of id ${show(id)}`;
}

function treeFor(forest: Forest, namespace: Value | undefined): StoredTree {
  return forest.find(namespace) ?? forest.plant(namespace);
}

function itemFor(tree: StoredTree, { key, id }: ItemPlace, { sumValue, sumValues }: ItemValues): Item {
  const named: [string, number][] = Object.entries(sumValues ?? {});
  if (sumValue !== undefined) named.push([PLAIN_MEASURE, sumValue]);
  addMeasures(tree, named);
  const byName = new Map(named);
  const values = tree.state.measures.map((name) => byName.get(name) ?? null);
  const item = { position: new Position(key, id), values: withoutTrailingNulls(values) };
  if (itemBytes(item) > MAX_ITEM_BYTES) {
    const message = `an item's key, id and values take up ${itemBytes(item)} bytes; ${MAX_ITEM_BYTES} is the most`;
    throw aggregateError("ITEM_TOO_LARGE", message);
  }
  return item;
}

/** Gives measures that a tree meets for the first time a column. */
function addMeasures({ nodes, state }: StoredTree, named: readonly [string, number][]): void {
  const before = state.measures;
  const added = named.map(([name]) => name).filter((name) => !before.includes(name));
  if (added.length === 0) return;
  state.measures = [...before, ...added];
  nodes.onRollback(() => (state.measures = before));
}
