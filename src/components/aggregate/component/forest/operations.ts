/**
 * What each operation does to the trees, in memory; `forest.flush` writes it. An operation that needs something which is not at
 * hand throws `Missing`, and is made again when that is loaded. An operation that is refused has changed nothing (`attempt`).
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import {
  assertFits,
  askEach,
  findItem,
  insertItem,
  isMissing,
  Position,
  putItem,
  removeItem,
  untilLoaded,
  withoutTrailingNulls,
  type Item,
  type OnMisfit,
} from "../../tree/index.js";
import type { DifferenceKind } from "../../../../seams/index.js";
import type { ItemMove, ItemValues, Operation } from "../interface/operation.js";
import { aggregateError, isDamage, show } from "../interface/errors.js";
import { plainMeasure, unmanaged, type Forest, type StoredTree } from "./forest.js";

/** What names an item. */
interface ItemPlace {
  readonly key: Value;
  readonly id: string;
  readonly namespace?: Value | undefined;
}

/** Does what `perform` does, as a whole or not at all. */
export function apply(forest: Forest, operation: Operation): DifferenceKind | null {
  return forest.nodes.attempt(() => perform(forest, operation));
}

/** Does the same, and waits for what the operation needs. */
export async function applyOperation(forest: Forest, operation: Operation): Promise<DifferenceKind | null> {
  return untilLoaded(() => apply(forest, operation));
}

/**
 * Calls `make` for each operation, in order, and collects what it returns in `results`. When something was missing, the caller
 * calls again with the same `results`, and the run goes on where it ended.
 * @throws Missing, and whatever `make` throws; `results` then holds those of the operations before.
 */
export function applyEach<Result>(
  forest: Forest,
  operations: readonly Operation[],
  results: Result[],
  make: (forest: Forest, operation: Operation) => Result,
): void {
  try {
    for (let index = results.length; index < operations.length; index++) {
      results.push(make(forest, operations[index] as Operation));
    }
  } catch (error) {
    // While the nodes of the first operation are loaded, level by level, those of the others are, too.
    if (isMissing(error) && results.length === 0) visitPlaces(forest, operations);
    throw error;
  }
}

/**
 * Visits the places of all operations, so that their nodes are loaded level by level instead of operation by operation.
 *
 * @throws Missing
 */
export function visitPlaces(forest: Forest, operations: readonly Operation[]): void {
  askEach(operations, (operation) => {
    for (const { place } of partsOf(operation)) {
      const tree = forest.find(place.namespace);
      try {
        if (tree !== null) findItem(tree, new Position(place.key, place.id).order);
      } catch (error) {
        // The operation that comes upon the damage throws this itself.
        if (!isDamage(error)) throw error;
      }
    }
  });
}

/**
 * Applies an operation where a tree is being rebuilt: to that tree, as far as its damage allows, and to its successor. Nobody
 * knows for sure what is in either of them, so no operation is refused for what is there.
 */
function performInBoth(forest: Forest, operation: Operation): void {
  for (const { place, values } of partsOf(operation)) {
    const successor = forest.successorOf(place.namespace);
    try {
      forest.nodes.attempt(() => changePlace(treeFor(forest, place.namespace), place, values));
    } catch (error) {
      if (successor === null || isMissing(error)) throw error;
    }
    successor?.nodes.attempt(() => changePlace(successor, place, values));
  }
}

function concernsSuccessor(forest: Forest, operation: Operation): boolean {
  if (forest.successorOf(operation.namespace) !== null) return true;
  return "newKey" in operation && forest.successorOf(operation.newNamespace) !== null;
}

/** The places that an operation changes, with the values to put there, or null to take the item away. */
function partsOf(operation: Operation): { place: ItemPlace; values: ItemValues | null }[] {
  if ("newKey" in operation) {
    const { from, to } = placesOf(operation);
    const put = { place: to, values: operation };
    return isSamePlace(from, to) ? [put] : [{ place: from, values: null }, put];
  }
  const isPut = operation.type === "insert" || operation.type === "put";
  return [{ place: operation, values: isPut ? operation : null }];
}

function changePlace(tree: StoredTree, place: ItemPlace, values: ItemValues | null): void {
  if (values === null) removeItem(tree, new Position(place.key, place.id).order);
  else putItem(tree, itemFor(tree, place, values));
}

/** Checks what can be known without reading anything. @throws ITEM_TOO_LARGE */
export function checkSize(operation: Operation): void {
  const isMove = "newKey" in operation;
  if (!isMove && operation.type !== "insert" && operation.type !== "put") return;
  const key = isMove ? operation.newKey : operation.key;
  const values = [operation.sumValue ?? null, ...Object.values(operation.sumValues ?? {})];
  assertFits({ position: new Position(key, operation.id), values });
}

/** The namespaces that an operation concerns. */
export function namespacesOf(operation: Operation): (Value | undefined)[] {
  return "newKey" in operation ? [operation.namespace, operation.newNamespace] : [operation.namespace];
}

/**
 * Applies an operation; when it throws, the caller undoes what it has changed. The trees of a managed aggregate are also written
 * by its fill, its repair and others who follow the table, so there no operation is refused for what is there already.
 * Returns how the document had drifted; only an operation that says what was there `before` can tell, others return null.
 * @throws Missing, DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE
 */
function perform(forest: Forest, operation: Operation): DifferenceKind | null {
  if (concernsSuccessor(forest, operation)) {
    performInBoth(forest, operation);
    return null;
  }
  if (forest.generation !== unmanaged) return follow(forest, operation);
  switch (operation.type) {
    case "insert":
      insert(forest, operation, operation);
      break;
    case "put":
      put(forest, operation, operation);
      break;
    case "delete":
      remove(forest, operation);
      break;
    case "deleteIfExists":
      take(forest, operation);
      break;
    case "replace":
    case "replaceOrInsert":
      replace(forest, operation, operation.type === "replace");
      break;
  }
  return null;
}

/**
 * Makes the document's item what it should be, whatever is there. Returns how what was there differs from `before`; null if it
 * does not.
 */
function follow(forest: Forest, operation: Operation): DifferenceKind | null {
  const { before } = operation;
  if (before === undefined) {
    move(forest, operation);
    return null;
  }
  let misfit: DifferenceKind | null = null;
  const [left, met] = move(forest, operation, () => (misfit = "structure"));
  return driftFrom(left, met, before) ?? misfit;
}

/** Moves an item. Returns the item that it took out of its place, and the one that stood where it put the item. */
function move(
  forest: Forest,
  operation: Operation,
  onMisfit?: OnMisfit,
): [left: FoundItem | null, met: FoundItem | null] {
  if (!("newKey" in operation)) {
    if (operation.type === "insert" || operation.type === "put") {
      return [null, put(forest, operation, operation, onMisfit)];
    }
    return [take(forest, operation, onMisfit), null];
  }
  const { from, to } = placesOf(operation);
  if (isSamePlace(from, to)) return [put(forest, to, operation, onMisfit), null];
  const left = take(forest, from, onMisfit);
  return [left, put(forest, to, operation, onMisfit)];
}

function driftFrom(
  left: FoundItem | null,
  met: FoundItem | null,
  before: ItemValues | null,
): DifferenceKind | null {
  if (before === null) return met === null ? null : "orphaned";
  if (left === null) return "missing";
  if (!isItem(left, before)) return "wrongSum";
  return met === null ? null : "duplicate";
}

/** Whether an item has these values and no others. O(values). */
function isItem({ item, measures }: FoundItem, { sumValue, sumValues }: ItemValues): boolean {
  let left = sumValue === undefined ? 0 : 1;
  for (const _name in sumValues) left += 1;
  for (let index = 0; index < item.values.length; index++) {
    const value = item.values[index] ?? null;
    if (value === null) continue;
    const name = measures[index] as string;
    if (!Object.is(value, name === plainMeasure ? sumValue : sumValues?.[name])) return false;
    left -= 1;
  }
  return left === 0;
}

/** An item that stood in a place, and the names of its values. */
interface FoundItem {
  readonly item: Item;
  readonly measures: readonly string[];
}

function insert(forest: Forest, place: ItemPlace, values: ItemValues): void {
  const tree = treeFor(forest, place.namespace);
  if (!insertItem(tree, itemFor(tree, place, values))) {
    throw aggregateError("DUPLICATE_KEY", `key ${describe(place)} already exists`);
  }
}

/** Puts an item in its place. Returns the one that stood there before. */
function put(forest: Forest, place: ItemPlace, values: ItemValues, onMisfit?: OnMisfit): FoundItem | null {
  const tree = treeFor(forest, place.namespace);
  // The names as they are now: a new one must not give its meaning to a value of a damaged item.
  const { measures } = tree.state;
  const item = putItem(tree, itemFor(tree, place, values), onMisfit);
  return item && { item, measures };
}

function remove(forest: Forest, place: ItemPlace): void {
  if (take(forest, place) === null) throw missingKey(place);
}

/** Takes the item at a place away, and returns it; null when there is none. */
function take(forest: Forest, { namespace, key, id }: ItemPlace, onMisfit?: OnMisfit): FoundItem | null {
  const tree = forest.find(namespace);
  if (tree === null) return null;
  const item = removeItem(tree, new Position(key, id).order, onMisfit);
  return item && { item, measures: tree.state.measures };
}

function replace(forest: Forest, operation: ItemMove, strict: boolean): void {
  const { from, to } = placesOf(operation);
  if (isSamePlace(from, to)) {
    if (strict) demand(forest, from);
    put(forest, to, operation);
    return;
  }
  if (strict) remove(forest, from);
  else take(forest, from);
  insert(forest, to, operation);
}

/** The places that a move leads from and to. */
function placesOf({
  id,
  currentKey,
  newKey,
  namespace,
  newNamespace,
}: ItemMove): Record<"from" | "to", ItemPlace> {
  return { from: { key: currentKey, id, namespace }, to: { key: newKey, id, namespace: newNamespace } };
}

function isSamePlace(a: ItemPlace, b: ItemPlace): boolean {
  return encodeKey([a.namespace, a.key]) === encodeKey([b.namespace, b.key]);
}

/** @throws DELETE_MISSING_KEY when there is no item at a place. */
function demand(forest: Forest, place: ItemPlace): void {
  const tree = forest.find(place.namespace);
  if (tree === null || findItem(tree, new Position(place.key, place.id).order) === null) {
    throw missingKey(place);
  }
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
  const byName = new Map<string, number>(Object.entries(sumValues ?? {}));
  if (sumValue !== undefined) byName.set(plainMeasure, sumValue);
  addMeasures(tree, byName.keys());
  const values = tree.state.measures.map((name) => byName.get(name) ?? null);
  const item = { position: new Position(key, id), values: withoutTrailingNulls(values) };
  assertFits(item);
  return item;
}

/** Gives a column to each measure that a tree meets for the first time. */
function addMeasures({ nodes, state }: StoredTree, names: Iterable<string>): void {
  const before = state.measures;
  const added: string[] = [];
  for (const name of names) if (!before.includes(name)) added.push(name);
  if (added.length === 0) return;
  state.measures = [...before, ...added];
  nodes.onRollback(() => (state.measures = before));
}
