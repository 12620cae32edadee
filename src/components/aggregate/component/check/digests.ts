/**
 * The phases that the check of a healthy aggregate ends with. First the digests of all documents are added up by bucket; then the
 * trees are folded over the same ranges. A document that changes in between makes its bucket differ. That is no difference yet,
 * and costs only a closer look at the bucket. An item that is missing or wrong all along makes its bucket differ in any case.
 */
import {
  addToBucket,
  askEach,
  bucketAt,
  bucketRange,
  digestOf,
  emptySums,
  factorOf,
  untilLoaded,
  summarizeRange,
  type BucketSums,
  type OrderRange,
} from "../../tree/index.js";
import type { MutationCtx } from "../_generated/server.js";
import { ColumnReader, type ItemColumns } from "./columns.js";
import { placeIn, startIn, treesFrom } from "./places.js";
import { documentSums, spaceOf, treeSums, type CheckRun } from "./runs.js";
import { Forest, type StoredTree } from "../forest/forest.js";
import { StepBudget } from "./step_budget.js";

/** How many ranges are folded between two looks at the budget. */
const rangesPerStep = 64;

/** Adds documents to their buckets. */
export async function addDocuments(ctx: MutationCtx, run: CheckRun, columns: ItemColumns): Promise<void> {
  const [{ separators }, row] = await Promise.all([run.buckets(), run.sums()]);
  const forest = new Forest(ctx.db, run.row.generation);
  await forest.load(columns.namespaces.map(({ namespace }) => namespace));
  const items = new ColumnReader(columns, forest);
  const damaged = await Promise.all(items.spaces.map(({ name }) => run.isDamaged(name)));
  const factors = items.spaces.map(({ name }) => factorOf(name));
  const sums = copyOf(documentSums(row));
  for (let index = 0; index < columns.ids.length; index++) {
    const space = columns.spaces[index] as number;
    if (damaged[space] === true) continue;
    const { position, values } = items.at(index);
    const place = (items.spaces[space]?.name ?? "") + position.order;
    const digest = position.isUnresolved ? null : digestOf(position.order, values);
    addToBucket(sums, bucketAt(separators, place), factors[space] ?? 1, { count: 1, digest });
  }
  run.step.documents += columns.ids.length;
  await run.saveSums(row._id, { documentCounts: sums.counts, documentDigests: sums.digests });
}

/** Stores empty sums for the buckets, whose separators are known by then. */
export async function beginDigests(run: CheckRun): Promise<void> {
  const { separators } = await run.buckets();
  const { counts, digests } = emptySums(separators);
  await run.addSums({
    documentCounts: counts,
    documentDigests: digests,
    treeCounts: counts,
    treeDigests: digests,
  });
}

/** Goes on folding the trees; returns true when all are folded. */
export async function foldTrees(ctx: MutationCtx, run: CheckRun): Promise<boolean> {
  const budget = await StepBudget.begin(ctx);
  const [{ separators }, row] = await Promise.all([run.buckets(), run.sums()]);
  const sums = copyOf(treeSums(row));
  const forest = new Forest(ctx.db, run.row.generation);
  let isDone = false;
  for (let isSpent = false; !isSpent && !isDone;) {
    const records = await treesFrom(ctx.db, run.row.generation, run.step.place);
    isDone = records.length === 0;
    await forest.load(records.map(({ namespace }) => namespace));
    for (const { namespace } of records) {
      const tree = forest.find(namespace);
      let from: string | null = startIn(run.step.place, namespace);
      while (tree !== null && from !== null && !isSpent) {
        from = (await run.isDamaged(spaceOf(tree))) ? null : await foldPart(tree, from, separators, sums);
        run.step.place = placeIn(namespace, from);
        isSpent = await budget.isSpent(rangesPerStep);
      }
      if (isSpent) break;
    }
  }
  await run.saveSums(row._id, { treeCounts: sums.counts, treeDigests: sums.digests });
  return isDone;
}

/** Folds a tree over some of its buckets. Returns the place to go on at, or null at the end of the tree. */
async function foldPart(
  tree: StoredTree,
  from: string,
  separators: readonly string[],
  sums: BucketSums,
): Promise<string | null> {
  const space = spaceOf(tree);
  const parts: { bucket: number; range: OrderRange }[] = [];
  let next: string | null = from;
  for (
    let bucket = bucketAt(separators, space + from);
    next !== null && parts.length < rangesPerStep;
    bucket++
  ) {
    const range = bucketRange(separators, bucket, space);
    if (range === null) throw new Error("the next bucket of a tree has nothing of it");
    parts.push({ bucket, range });
    next = range.end;
  }
  const summaries = await untilLoaded(() => askEach(parts, ({ range }) => summarizeRange(tree, range)));
  const factor = factorOf(space);
  summaries.forEach((summary, index) => addToBucket(sums, parts[index]?.bucket ?? 0, factor, summary));
  return next;
}

function copyOf({ counts, digests }: BucketSums): BucketSums {
  return { counts: [...counts], digests: [...digests] };
}
