/**
 * The first phase of a check compares every node with what its parent says about it, tree by tree and leaf by leaf, in as many
 * steps as it takes. On its way it meets every item in order, and decides where buckets end. A tree that is found damaged is
 * left to be rebuilt, and the phases that search trees skip it.
 */
import { checkTree, SeparatorCollector, untilLoaded } from "../../tree/index.js";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, MutationCtx } from "../_generated/server.js";
import { placeIn, startIn, treesFrom } from "./places.js";
import { spaceOf, type CheckRun } from "./runs.js";
import { Forest, type StoredTree } from "../forest/forest.js";
import { StepBudget } from "./step_budget.js";

/** How many leaves are checked between two looks at the budget. */
const leavesPerStep = 64;

/** Goes on with the phase; returns true when it is over. */
export async function checkStructure(ctx: MutationCtx, run: CheckRun): Promise<boolean> {
  const budget = await StepBudget.begin(ctx);
  const buckets = await run.buckets();
  const collector = new SeparatorCollector(buckets);
  const forest = new Forest(ctx.db, run.row.generation);
  let isDone = false;
  while (!isDone) {
    const records = await treesFrom(ctx.db, run.row.generation, run.step.place);
    if (records.length === 0) isDone = true;
    else if (await checkTrees(ctx.db, run, forest, records, collector, budget)) break;
  }
  await run.saveBuckets(buckets._id, collector.state());
  return isDone;
}

/** Checks trees from the run's place on, and moves the place on with them; returns true when the budget is spent. */
async function checkTrees(
  db: DatabaseReader,
  run: CheckRun,
  forest: Forest,
  records: readonly Doc<"trees">[],
  collector: SeparatorCollector,
  budget: StepBudget,
): Promise<boolean> {
  await forest.load(records.map(({ namespace }) => namespace));
  for (const { namespace } of records) {
    const tree = forest.find(namespace);
    let from: string | null = startIn(run.step.place, namespace);
    if (tree !== null && from === "") await checkRoot(db, run, tree);
    while (tree !== null && from !== null) {
      const nodesBefore = run.step.nodes;
      from = await checkPart(run, tree, from, collector);
      run.step.place = placeIn(namespace, from);
      if (await budget.isSpent(run.step.nodes - nodesBefore)) return true;
    }
  }
  return false;
}

/** Checks that a root belongs to one tree only: of two trees, each would lose what is taken from the other. */
async function checkRoot(db: DatabaseReader, run: CheckRun, { state, ...tree }: StoredTree): Promise<void> {
  const root = String(state.root);
  const holders = await db
    .query("trees")
    .withIndex("by_root", (q) => q.eq("root", root))
    .take(2);
  if (holders.length > 1) {
    await run.recordDamage(tree, root, "sharedNode", "The node is the root of two trees.");
  }
}

/** Checks some leaves of a tree and what is above them. Returns the place to go on at, or null at the end of the tree. */
async function checkPart(
  run: CheckRun,
  tree: StoredTree,
  from: string,
  collector: SeparatorCollector,
): Promise<string | null> {
  const space = spaceOf(tree);
  const { report, leaves, unnamed } = await untilLoaded(() => {
    const leaves: { first: string; last: string; count: number }[] = [];
    let unnamed = 0;
    const report = checkTree(tree, from, leavesPerStep, (leaf) => {
      const [first, last] = [leaf.items[0], leaf.items.at(-1)];
      if (first === undefined || last === undefined) return;
      const count = leaf.items.length;
      for (const { values } of leaf.items) if (values.length > tree.state.measures.length) unnamed++;
      leaves.push({ first: space + first.position.order, last: space + last.position.order, count });
    });
    return { report, leaves, unnamed };
  });
  for (const { first, last, count } of leaves) collector.take(first, last, count);
  for (const { kind, node, message } of report.problems) {
    await run.recordDamage(tree, node, kind, message);
  }
  if (unnamed > 0) {
    const message = `${unnamed} items have numbers that the tree has no names for.`;
    await run.recordDamage(tree, tree.state.root, "unnamedValues", message);
  }
  run.step.nodes += report.nodes;
  run.step.items += report.items;
  // Positions that do not ascend are damage, and following them would lead in a circle.
  return report.next !== null && report.next > from ? report.next : null;
}
