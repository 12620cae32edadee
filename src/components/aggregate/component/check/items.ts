/**
 * The phases of a check that look closely, and only at the buckets that were found to differ. One phase compares each item there
 * with its document, the next one looks for the item of each document that belongs there. Both compare and mend in one
 * transaction. They skip damaged trees, because those are rebuilt.
 */
import {
  askEach,
  bucketAt,
  bucketRange,
  findItem,
  scanRange,
  untilLoaded,
  type Item,
} from "../../tree/index.js";
import { nativeStoreOf } from "../../../../seams/index.js";
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { ColumnReader, type ItemColumns } from "./columns.js";
import { placeIn, startIn, treesFrom } from "./places.js";
import { spaceOf, type CheckRun } from "./runs.js";
import type { TreePlace } from "./tables.js";
import { compareDocument, compareItem, shown, type ExpectedItem, type FoundItem } from "./differences.js";
import { Forest, type StoredTree } from "../forest/forest.js";

/** A step looks at this many items at most, and searches this many trees for them. */
const itemsPerStep = 512;
const treesPerStep = 256;

/** The items that a step looks at, and the place where the next step goes on; null at the end. */
export interface ItemsPage {
  readonly items: readonly FoundItem[];
  readonly next: TreePlace | null;
}

/** Finds the next items in buckets that differ. It finds the same items again within the same transaction. */
export async function nextItems(
  ctx: Pick<MutationCtx, "db">,
  run: CheckRun,
  forest: Forest,
): Promise<ItemsPage> {
  const [{ separators }, differing] = await Promise.all([run.buckets(), run.differing()]);
  const limit = Math.min(itemsPerStep, run.step.batchSize);
  const items: FoundItem[] = [];
  let place = run.step.place;
  for (let searched = 0; searched < treesPerStep;) {
    const records = await treesFrom(ctx.db, run.row.generation, place);
    if (records.length === 0) return { items, next: null };
    await forest.load(records.map(({ namespace }) => namespace));
    for (const { namespace } of records) {
      const tree = forest.find(namespace);
      let from: string | null = startIn(place, namespace);
      if (tree !== null && !(await run.isDamaged(spaceOf(tree)))) {
        from = await gather(tree, from, separators, differing, items, limit);
      } else from = null;
      place = placeIn(namespace, from);
      if (items.length >= limit) return { items, next: place };
    }
    searched += records.length;
  }
  return { items, next: place ?? null };
}

/** Gathers items of a tree. Returns the place to go on at, or null at its end. */
async function gather(
  tree: StoredTree,
  start: string,
  separators: readonly string[],
  differing: ReadonlySet<number>,
  items: FoundItem[],
  limit: number,
): Promise<string | null> {
  const space = spaceOf(tree);
  let from: string | null = start;
  for (let bucket = bucketAt(separators, space + start); from !== null; bucket++) {
    const range = bucketRange(separators, bucket, space);
    const end: string | null = range?.end ?? null;
    if (differing.has(bucket)) {
      const room = limit - items.length;
      const rest = { start: from, end };
      const found = await untilLoaded(() => scanRange(tree, rest, "asc", room));
      items.push(...found.map((item) => ({ tree, item })));
      // No encoded position is a prefix of another one, so this is the next place behind the item.
      if (found.length === room) return `${found.at(-1)?.position.order ?? ""}\0`;
    }
    from = end;
  }
  return null;
}

/**
 * Compares the next items with their documents; `columns` has a row for each document that exists. Returns the place to go on
 * at, or null at the end.
 */
export async function compareItems(
  ctx: MutationCtx,
  run: CheckRun,
  columns: ItemColumns,
): Promise<TreePlace | null> {
  const forest = new Forest(ctx.db, run.row.generation);
  const { items: found, next } = await nextItems(ctx, run, forest);
  const expected = new Map((await expectedItems(forest, columns)).map((one) => [one.item.position.id, one]));
  const waiting = await waitingAmong(ctx, run.row.generation, found);
  for (const one of found) {
    if (waiting.has(one.item.position.id) || (await run.isDamaged(spaceOf(one.tree)))) continue;
    await compareItem(run, forest, one, expected.get(one.item.position.id) ?? null);
  }
  await forest.flush(ctx.db);
  return next;
}

/** Looks for the items of those documents that belong to buckets that differ. */
export async function compareDocuments(ctx: MutationCtx, run: CheckRun, columns: ItemColumns): Promise<void> {
  const forest = new Forest(ctx.db, run.row.generation);
  const [{ separators }, differing] = await Promise.all([run.buckets(), run.differing()]);
  const expected = (await expectedItems(forest, columns)).filter(({ space, item }) =>
    differing.has(bucketAt(separators, space.name + item.position.order)),
  );
  // Loads the nodes for all searches level by level, instead of item by item.
  const findAll = (): unknown =>
    askEach(expected, ({ space: { tree }, item }) => tree && findItem(tree, item.position.order));
  const damaged = new Set<string>();
  for (const name of new Set(expected.map(({ space }) => space.name))) {
    if (await run.isDamaged(name)) damaged.add(name);
  }
  if (damaged.size === 0) await untilLoaded(findAll);
  const waiting = await waitingAmong(ctx, run.row.generation, expected);
  for (const one of expected) {
    const isLeftOut = damaged.has(one.space.name) || waiting.has(one.item.position.id);
    if (!isLeftOut) await compareDocument(run, forest, one);
  }
  await forest.flush(ctx.db);
}

/**
 * The documents, among those of items, whose latest writes wait beside the trees: an item and its document do not have to agree
 * then, and whoever folds the writes sees whether they find what they should. Only where transactions may conflict; elsewhere
 * nothing waits by now. The snapshot is that of the transaction, and who appends a write has changed the document. So what the
 * snapshot does not show would refuse the transaction.
 */
async function waitingAmong(
  ctx: Pick<MutationCtx, "db" | "runQuery">,
  generation: number,
  items: readonly { readonly item: Item }[],
): Promise<ReadonlySet<string>> {
  if (nativeStoreOf(ctx.db)?.hasConflicts !== true || items.length === 0) return new Set();
  const ids = items.map(({ item }) => item.position.id);
  return new Set(await ctx.runQuery(internal.queue.waiting, { generation, ids }, { useStaleSnapshot: true }));
}

async function expectedItems(forest: Forest, columns: ItemColumns): Promise<ExpectedItem[]> {
  await forest.load(
    columns.namespaces.map(({ namespace }) => namespace),
    true,
  );
  const reader = new ColumnReader(columns, forest);
  return columns.ids.map((_, index) => {
    const space = reader.spaceAt(index);
    const item = reader.at(index);
    const namespace = columns.namespaces[columns.spaces[index] as number]?.namespace;
    return { space, item, shown: shown({ namespace }, item, reader.valuesAt(index)) };
  });
}
