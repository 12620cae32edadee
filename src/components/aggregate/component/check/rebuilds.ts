/**
 * How damaged trees are rebuilt. Each gets a successor, which is empty at first; the run fills it from the table while both trees
 * take every write; then the successor takes the damaged tree's place. Only damaged trees are touched, and reads are answered
 * all the while. The nodes of a damaged tree are not deleted, because they may belong to another tree as well.
 */
import type { Value } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter, MutationCtx } from "../_generated/server.js";
import { ColumnReader, type ItemColumns } from "./columns.js";
import type { CheckRun } from "./runs.js";
import { Forest } from "../forest/forest.js";
import { applyOperation } from "../forest/operations.js";
import { deleteRecord, findRecord, successorGeneration } from "../forest/records.js";
import { readFrom } from "../reading/readings.js";
import { namespaceField } from "../interface/operation.js";

/** How many trees, or differences, one step handles. */
const treesPerStep = 64;

/** Gives damaged trees successors; returns true when all of them have one. */
export async function plantSuccessors(ctx: MutationCtx, run: CheckRun): Promise<boolean> {
  const { generation } = run.row;
  const successors = new Forest(ctx.db, successorGeneration(generation));
  const isDone = await forDamaged(ctx.db, run, "found", async ({ namespace }) => {
    const record = await recordOf(ctx.db, generation, namespace);
    if (record === null) return;
    // A successor that an earlier run has left begins anew.
    await successors.load([namespace]);
    const { maxNodeSize, rootLazy } = record;
    successors.plant(namespace, { maxNodeSize, rootLazy });
    await ctx.db.patch("trees", record._id, { hasSuccessor: true });
  });
  await successors.flush(ctx.db);
  return isDone;
}

/** Puts the items of documents into the successors of their trees, where there are any. */
export async function fillSuccessors(ctx: MutationCtx, run: CheckRun, columns: ItemColumns): Promise<void> {
  const forest = new Forest(ctx.db, run.row.generation);
  await forest.load(columns.namespaces.map(({ namespace }) => namespace));
  const reader = new ColumnReader(columns, forest);
  const successors = new Forest(ctx.db, successorGeneration(run.row.generation));
  for (let index = 0; index < columns.ids.length; index++) {
    const namespace = columns.namespaces[columns.spaces[index] as number]?.namespace;
    if (forest.successorOf(namespace) === null) continue;
    const { position } = reader.at(index);
    await applyOperation(successors, {
      type: "put",
      key: position.key,
      id: position.id,
      ...namespaceField(namespace),
      ...reader.valuesAt(index),
    });
  }
  await successors.flush(ctx.db);
}

/** Puts successors in the place of damaged trees; returns true when all are installed, and all differences marked as mended. */
export async function installSuccessors(ctx: MutationCtx, run: CheckRun): Promise<boolean> {
  const { generation } = run.row;
  const isDone = await forDamaged(ctx.db, run, "planted", async ({ namespace }) => {
    const record = await recordOf(ctx.db, generation, namespace);
    const successor = await recordOf(ctx.db, successorGeneration(generation), namespace);
    if (record === null || successor === null) return;
    const { root, maxNodeSize, rootLazy, measures } = successor;
    await ctx.db.patch("trees", record._id, {
      root,
      maxNodeSize,
      rootLazy,
      measures,
      hasSuccessor: undefined,
    });
    await deleteRecord(ctx.db, successor);
  });
  return isDone && (await markMended(ctx.db, run));
}

async function recordOf(
  db: DatabaseReader,
  generation: number,
  namespace: Value | undefined,
): Promise<Doc<"trees"> | null> {
  return readFrom(db, (readings) => findRecord(readings, generation, namespace));
}

/** Marks some structural differences as mended; returns true when all are marked. */
async function markMended(db: DatabaseWriter, run: CheckRun): Promise<boolean> {
  const rows = await db
    .query("differences")
    .withIndex("by_run_and_kind", (q) => q.eq("run", run.id).eq("kind", "structure").eq("fixed", false))
    .take(treesPerStep);
  for (const { _id } of rows) await db.patch("differences", _id, { fixed: true });
  run.countFixed(rows.length);
  return rows.length < treesPerStep;
}

const nextStates = { found: "planted", planted: "installed" } as const;

/** Calls `act` for some of the damaged trees that are in a state; returns true when none is left in it. */
async function forDamaged(
  db: DatabaseWriter,
  run: CheckRun,
  state: keyof typeof nextStates,
  act: (damage: Doc<"checkDamage">) => Promise<void>,
): Promise<boolean> {
  const rows = await db
    .query("checkDamage")
    .withIndex("by_run_and_state", (q) => q.eq("run", run.id).eq("state", state))
    .take(treesPerStep);
  for (const row of rows) {
    await act(row);
    await db.patch("checkDamage", row._id, { state: nextStates[state] });
  }
  return rows.length < treesPerStep;
}
