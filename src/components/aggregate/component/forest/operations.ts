/**
 * What each operation does to the trees, in memory: `forest.flush` writes it. What an operation needs and is not at hand, it misses;
 * one that is refused has changed nothing (`attempt`).
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import {
  askEach,
  findItem,
  insertItem,
  isMissing,
  itemBytes,
  maxItemBytes,
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
import { aggregateError, isDamage, itemTooLarge, show } from "../interface/errors.js";
import { plainMeasure, unmanaged, type Forest, type StoredTree } from "./forest.js";

/** What names an item. */
interface ItemPlace {
  readonly key: Value;
  readonly id: string;
  readonly namespace?: Value | undefined;
}

/** Applies an operation as a whole, or not at all. Otherwise like `perform`. */
export function apply(forest: Forest, operation: Operation): DifferenceKind | null {
  return forest.nodes.attempt(() => perform(forest, operation));
}

/** The same for a caller that waits for what the operation needs. */
export async function applyOperation(forest: Forest, operation: Operation): Promise<DifferenceKind | null> {
  return untilLoaded(() => apply(forest, operation));
}

/**
 * Makes something of each operation, in order, by `make`. What comes of them is kept in `results`, so that a run after one that
 * missed something goes on where that one ended.
 * @throws Missing, and what `make` throws: then `results` are those of the operations before.
 */
export function applyEach<Result>(
  forest: Forest,
  operations: readonly Operation[],
  results: Result[],
  make: (operation: Operation) => Result,
): void {
  if (operations.length > 1 && results.length === 0) visitPlaces(forest, operations);
  for (const operation of operations.slice(results.length)) results.push(make(operation));
}

/** Has the nodes above the places of all operations loaded level by level, instead of operation by operation. @throws Missing */
export function visitPlaces(forest: Forest, operations: readonly Operation[]): void {
  askEach(operations, (operation) => {
    for (const { place } of partsOf(operation)) {
      const tree = forest.find(place.namespace);
      try {
        if (tree !== null) findItem(tree, new Position(place.key, place.id).order);
      } catch (error) {
        // The operation that meets it is told.
        if (!isDamage(error)) throw error;
      }
    }
  });
}

/**
 * Applies an operation where a tree is being made anew: to that tree, as far as its damage lets it, and to its successor.
 * Neither knows for sure what is there already, so no operation minds, also when it is made twice.
 */
function performTwice(forest: Forest, operation: Operation): void {
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

/** What an operation takes away (`values` is null) and puts in. */
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

/** The namespaces that an operation concerns. */
export function namespacesOf(operation: Operation): (Value | undefined)[] {
  return "newKey" in operation ? [operation.namespace, operation.newNamespace] : [operation.namespace];
}

/**
 * Applies an operation; what it changed before it throws is for the caller to undo. The trees of a managed aggregate are also
 * written to by its fill, its repair and whoever else follows the table: there, no operation minds what is there already.
 * Returns how its document had drifted, which only an operation that says what was there `before` can tell; null otherwise.
 * @throws Missing, DELETE_MISSING_KEY, DUPLICATE_KEY, ITEM_TOO_LARGE
 */
function perform(forest: Forest, operation: Operation): DifferenceKind | null {
  if (namespacesOf(operation).some((namespace) => forest.successorOf(namespace) !== null)) {
    performTwice(forest, operation);
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

/** Makes the document's item what it should be, whatever is there. Returns how that differs from what was there `before`. */
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

/** Returns the item that it took out of its place, and the one that stood where it put another. */
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
  const { measures } = tree.state;
  return found(putItem(tree, itemFor(tree, place, values), onMisfit), measures);
}

function remove(forest: Forest, place: ItemPlace): void {
  if (take(forest, place) === null) throw missingKey(place);
}

/** Takes the item of a place away, if there is one, and returns it. */
function take(forest: Forest, { namespace, key, id }: ItemPlace, onMisfit?: OnMisfit): FoundItem | null {
  const tree = forest.find(namespace);
  if (tree === null) return null;
  return found(removeItem(tree, new Position(key, id).order, onMisfit), tree.state.measures);
}

function found(item: Item | null, measures: readonly string[]): FoundItem | null {
  return item === null ? null : { item, measures };
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

/** Where a move leads from and to. */
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
  const named: [string, number][] = Object.entries(sumValues ?? {});
  if (sumValue !== undefined) named.push([plainMeasure, sumValue]);
  addMeasures(tree, named);
  const byName = new Map(named);
  const values = tree.state.measures.map((name) => byName.get(name) ?? null);
  const item = { position: new Position(key, id), values: withoutTrailingNulls(values) };
  if (itemBytes(item) > maxItemBytes) throw itemTooLarge(id, itemBytes(item));
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
