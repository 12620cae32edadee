/**
 * Compares the item that a document should have with the items that there are, and mends what differs. Each document is looked
 * at within one transaction, in which nobody moves its items: so whatever is reported was really so.
 *
 * A document has at most one item, at the place that its definition gives. An item anywhere else is a stray. If the document's
 * right item is missing, the stray stands in the wrong place; otherwise it is a duplicate.
 */
import type { Value } from "convex/values";
import { equalValues, findItem, leafOf, untilLoaded, type Item } from "../../tree/index.js";
import { namedValues, type Space } from "./columns.js";
import { spaceOf, type CheckRun } from "./runs.js";
import type { DifferenceKind } from "../../../../seams/index.js";
import { namespaceField, type ItemValues, type Operation } from "../interface/operation.js";
import type { Forest, StoredTree } from "../forest/forest.js";
import { applyOperation } from "../forest/operations.js";

/** An item, as differences show it. */
type ShownItem = ItemValues & { namespace?: Value; key: Value };

/** The item that a document should have. */
export interface ExpectedItem {
  readonly space: Space;
  readonly item: Item;
  readonly shown: ShownItem;
}

/** An item that is in a tree. */
export interface FoundItem {
  readonly tree: StoredTree;
  readonly item: Item;
}

/**
 * Compares an item that was found with the one that its document should have; `expected` is null when there is no such document.
 */
export async function compareItem(
  run: CheckRun,
  forest: Forest,
  found: FoundItem,
  expected: ExpectedItem | null,
): Promise<void> {
  const actual = shownItem(found);
  const { id } = found.item.position;
  if (expected === null) return report(run, forest, "orphaned", { id, expected: null, actual });
  const isInPlace =
    spaceOf(found.tree) === expected.space.name && found.item.position.order === expected.item.position.order;
  const shown = expected.shown;
  // Its values are compared when its document is looked at.
  if (isInPlace) return;
  const kind = spaceOf(found.tree) === expected.space.name ? "wrongKey" : "wrongNamespace";
  if (await run.isDamaged(expected.space.name)) {
    // The rebuilding of that tree gives the document its right item. Here only the stray is removed.
    return report(run, forest, kind, { id, expected: shown, actual }, "duplicate");
  }
  if (await isSharedLeaf(found, expected)) return reportShared(run, found, expected);
  const isBeside = (await itemInPlace(expected)) !== null || (await hasStray(run, id));
  await report(run, forest, isBeside ? "duplicate" : kind, { id, expected: shown, actual });
}

/** Looks for the item that a document should have, and compares its values. */
export async function compareDocument(run: CheckRun, forest: Forest, expected: ExpectedItem): Promise<void> {
  const { id } = expected.item.position;
  const inPlace = await itemInPlace(expected);
  if (inPlace === null) {
    // The stray was reported when items were looked at.
    if (await hasStray(run, id)) return;
    await report(run, forest, "missing", { id, expected: expected.shown, actual: null });
  } else if (!equalValues(inPlace, expected.item)) {
    const actual = shownItem({ tree: expected.space.tree as StoredTree, item: inPlace });
    await report(run, forest, "wrongSum", { id, expected: expected.shown, actual });
  }
}

/** The item at the place that the document's definition gives, or null. */
async function itemInPlace({ space: { tree }, item }: ExpectedItem): Promise<Item | null> {
  return tree === null ? null : untilLoaded(() => findItem(tree, item.position.order));
}

/** True when this run has reported an item of the document in a wrong place, and has not mended it. */
async function hasStray(run: CheckRun, id: string): Promise<boolean> {
  const recorded = await run.recorded(id);
  return recorded.some(({ kind, fixed }) => !fixed && (kind === "wrongKey" || kind === "wrongNamespace"));
}

async function report(
  run: CheckRun,
  forest: Forest,
  kind: DifferenceKind,
  found: { id: string; expected: ShownItem | null; actual: ShownItem | null },
  remedyKind: DifferenceKind = kind,
): Promise<void> {
  const fixed = run.row.repair;
  if (fixed) for (const operation of remedy(remedyKind, found)) await applyOperation(forest, operation);
  await run.record({ kind, fixed, ...found });
}

/** The operations that mend a difference: they remove the stray item and put the right one. */
function remedy(
  kind: DifferenceKind,
  { id, expected, actual }: { id: string; expected: ShownItem | null; actual: ShownItem | null },
): Operation[] {
  const operations: Operation[] = [];
  if (actual !== null && kind !== "wrongSum") {
    const { sumValue: _sum, sumValues: _sums, ...place } = actual;
    operations.push({ type: "deleteIfExists", id, ...place });
  }
  if (expected !== null && kind !== "duplicate") operations.push({ type: "put", id, ...expected });
  return operations;
}

/** True when the item that was found, and the right one in another tree, are one and the same. */
async function isSharedLeaf({ tree, item }: FoundItem, { space }: ExpectedItem): Promise<boolean> {
  const other = space.tree;
  if (other === null || other === tree) return false;
  const { order } = item.position;
  return untilLoaded(() => leafOf(tree, order) === leafOf(other, order));
}

/** Records a leaf that two trees share as damage of both: each would lose what is taken from the other. */
async function reportShared(
  run: CheckRun,
  { tree, item }: FoundItem,
  { space }: ExpectedItem,
): Promise<void> {
  const leaf = await untilLoaded(() => leafOf(tree, item.position.order));
  for (const one of [tree, space.tree]) {
    if (one !== null) await run.recordDamage(one, leaf, "sharedNode", "The node is a part of two trees.");
  }
}

/** An item as differences show it. */
export function shownItem({ tree, item }: FoundItem): ShownItem {
  return shown(tree, item, namedValues(tree.state.measures, item.values));
}

export function shown(
  { namespace }: Pick<StoredTree, "namespace">,
  { position }: Item,
  values: ItemValues,
): ShownItem {
  const { sumValue, sumValues } = values;
  return {
    ...namespaceField(namespace),
    key: position.key,
    ...(sumValue === undefined ? {} : { sumValue }),
    ...(sumValues === undefined ? {} : { sumValues }),
  };
}
