/**
 * How the component takes the place of `@convex-dev/aggregate`, and gives it back. In the transaction of a deploy that changes
 * the import, all of that component's trees become ours, or ours become its own, with namespaces, settings, waiting operations
 * and dead letters. The engine finds the handover among the exports by its brand. A managed aggregate takes nothing over, because
 * it is built from its table; what it gives back is the generation that answers.
 */
import { ConvexError } from "convex/values";
import { handoverBrand, nativeStoreOf, type CellCodec, type DeclaredHandover } from "../../../seams/index.js";
import { scanRange, untilLoaded } from "../tree/index.js";
import type { MutationCtx } from "./_generated/server.js";
import { namespaceField, type Operation } from "./interface/operation.js";
import { foldEntries } from "./queue/folding.js";
import { Forest, plainMeasure, unmanaged, type StoredTree } from "./forest/forest.js";
import { applyOperation } from "./forest/operations.js";
import { bury } from "./queue/pending.js";
import {
  comparePublished,
  notMoved,
  ourOperation,
  placeOf,
  positionOf,
  publishedOperation,
} from "./published/positions.js";
import { readTrees, writeTree, type WholeTree } from "./published/trees.js";
import type { PublishedCtx, PublishedDeadLetter } from "./published/types.js";
import { generationTables } from "./generation/tables.js";
import { checkTables } from "./check/tables.js";

type Finish<Ctx> = (ctx: Ctx) => Promise<void>;

/** Operations that waited, with the commits that appended them. */
type Waiting = { readonly commitTs: bigint; readonly operation: Operation }[];

/** Reads what the published component has stored. The function that it returns writes that into our tables. */
async function arrive(
  { db, scheduler }: PublishedCtx,
  { isManaged, tables }: { isManaged: boolean; tables: ReadonlySet<string> },
): Promise<Finish<MutationCtx>> {
  const trees = isManaged ? [] : await readTrees(db);
  const waiting: Waiting = [];
  // Versions before 0.3 have no queue.
  const hasQueue = queues.every((name) => tables.has(name));
  const rows = hasQueue ? await db.query("pendingOperations").collect() : [];
  for (const { _id, commitTs, operations } of rows) {
    await db.delete("pendingOperations", _id);
    if (typeof commitTs !== "bigint") continue;
    for (const operation of operations) waiting.push({ commitTs, operation: ourOperation(operation) });
  }
  const deadLetters = hasQueue ? await db.query("deadLetterOperations").collect() : [];
  for (const { _id } of deadLetters) await db.delete("deadLetterOperations", _id);
  await cancelJobs({ db, scheduler });
  return async (ctx) => {
    await clearCells(ctx);
    for (const { commitTs, operation, error } of deadLetters) {
      await ctx.db.insert("deadLetterOperations", { commitTs, operation: ourOperation(operation), error });
    }
    if (!isManaged) await plantTrees(ctx, trees, waiting);
  };
}

async function plantTrees({ db }: MutationCtx, trees: readonly WholeTree[], waiting: Waiting): Promise<void> {
  const forest = new Forest(db, unmanaged);
  await forest.load(trees.map(({ namespace }) => namespace));
  // An item without a summand is stored with 0. Where all summands are 0, the items are taken to have none.
  const isSummed = trees.some(({ items }) => items.some(({ s }) => s !== 0));
  for (const { namespace, items, ...settings } of trees) {
    forest.plant(namespace, settings);
    for (const { k, s } of items) {
      const values = isSummed ? { sumValue: s } : {};
      const space = namespaceField(namespace);
      await applyOperation(forest, { type: "insert", ...placeOf(k), ...space, ...values });
    }
  }
  for (const { commitTs, operation } of waiting) {
    try {
      await applyOperation(forest, operation);
    } catch (error) {
      if (!(error instanceof ConvexError)) throw error;
      await bury(db, operation, commitTs, String(error));
    }
  }
  await forest.flush(db);
}

/** Reads what we have stored. The function that it returns writes that into the tables of the published component. */
async function leave(ctx: MutationCtx): Promise<Finish<PublishedCtx>> {
  await foldAll(ctx);
  const { db } = ctx;
  const forest = new Forest(db, await generationToLeave(ctx));
  const trees: WholeTree[] = [];
  for (const tree of await untilLoaded(() => forest.select("all"))) trees.push(await wholeTree(tree));
  const deadLetters = await db.query("deadLetterOperations").collect();
  for (const { _id } of await db.query("deadLetterOperations").collect()) {
    await db.delete("deadLetterOperations", _id);
  }
  await clearCells(ctx);
  await cancelJobs(ctx);
  return async (later) => {
    for (const tree of trees) await writeTree(later.db, tree);
    for (const { commitTs, operation, error } of deadLetters) {
      const letter: PublishedDeadLetter = { commitTs, operation: publishedOperation(operation), error };
      await later.db.insert("deadLetterOperations", letter);
    }
  };
}

/** Applies all operations that wait. */
async function foldAll(ctx: MutationCtx): Promise<void> {
  for (;;) {
    const rows = await ctx.db.query("pendingOperations").withIndex("by_commitTs").collect();
    const entries = rows.flatMap(({ _id, commitTs }) =>
      typeof commitTs === "bigint" ? [{ id: _id, commitTs }] : [],
    );
    if (entries.length === 0) return;
    await foldEntries(ctx, entries, Infinity);
  }
}

/** The generation that answers reads. @throws COMPONENT_NOT_MOVED while a managed aggregate has none */
async function generationToLeave({ db }: MutationCtx): Promise<number> {
  const live = (await db.query("generations").collect()).filter(({ status }) => status !== "dropped");
  if (live.length === 0) return unmanaged;
  const ready = live.find(({ status }) => status === "ready");
  if (ready !== undefined) return ready.generation;
  throw notMoved("The aggregate is being built: deploy again when it is ready (`trueup aggregates`).");
}

async function wholeTree({ nodes, state, namespace, record }: StoredTree): Promise<WholeTree> {
  if (record?.hasSuccessor === true) {
    throw notMoved("The aggregate is being repaired: deploy again when that is done (`trueup aggregates`).");
  }
  const plain = state.measures.indexOf(plainMeasure);
  const found = await untilLoaded(() =>
    scanRange({ nodes, state }, { start: "", end: null }, "asc", Infinity),
  );
  const items = found.map(({ position: { key, id }, values }) => ({
    k: positionOf(key, id),
    v: id,
    s: values[plain] ?? 0,
  }));
  const { maxNodeSize, rootLazy } = state;
  return { namespace, maxNodeSize, rootLazy, items: items.toSorted((a, b) => comparePublished(a.k, b.k)) };
}

/** This many names are read at once. */
const page = 10_000;
const anyCodec: CellCodec<string> = { encode: String, decode: String };

/** Empties all cells: those of this layout, and those that are left from before another component was here. */
async function clearCells({ db }: MutationCtx): Promise<void> {
  const cells = nativeStoreOf(db)?.cells(anyCodec);
  if (cells === undefined) return;
  for (let names = await cells.names("", page); names.length > 0; names = await cells.names("", page)) {
    for (const name of names) cells.set(name, undefined);
  }
}

/** Cancels the jobs that wait, because their functions go away. */
async function cancelJobs({
  db,
  scheduler,
}: Pick<PublishedCtx, "scheduler"> & { db: Pick<PublishedCtx["db"], "system"> }): Promise<void> {
  for (const { _id, state } of await db.system.query("_scheduled_functions").collect()) {
    if (state.kind === "pending") await scheduler.cancel(_id);
  }
}

const published = ["btree", "btreeNode"];
const queues = ["pendingOperations", "deadLetterOperations"];
const own = ["trees", "nodes", "worker", "progress", "settings", ...Object.keys(generationTables)];

/** The engine finds this by its brand. */
export const handover: { readonly [handoverBrand]: DeclaredHandover } = {
  [handoverBrand]: {
    own: ["trees", "generations"],
    other: published,
    // The other component's worker would never run again if it were told to run while it is gone.
    arrive: { carries: [...published, ...queues], forgets: ["batchWorker"], begin: arrive },
    leave: { carries: [...own, ...queues, ...Object.keys(checkTables)], begin: leave },
  },
};
