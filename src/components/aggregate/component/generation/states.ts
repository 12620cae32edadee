/**
 * How generations begin, change and end; nothing else writes their table. A definition has at most one generation that answers
 * reads, and one that is being built to take its place. When a check finds the new one right, it becomes ready and the old one is
 * dropped, in one transaction. A dropped generation never comes back, because nobody keeps it in step any more.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import { buildOf } from "./progress.js";
import { forgetDrift, noteDrift } from "../check/drift.js";
import { Forest, type TreeSettings } from "../forest/forest.js";
import { generationsOf, refreshDirectory } from "./directory.js";
import type { Failure } from "./tables.js";
import { isLeaf, untilLoaded } from "../../tree/index.js";

export type Generation = Doc<"generations">;

/** The size of a build's first batch; later ones are sized by the time that they take. */
const firstBatch = 64;

/** Begins a build for a definition. Its trees are set up as the settings say. Returns the generation's number. */
export async function createGeneration(
  db: DatabaseWriter,
  definition: string,
  settings: TreeSettings = {},
): Promise<number> {
  const newest = await db.query("generations").withIndex("by_generation").order("desc").first();
  const generation = (newest?.generation ?? 0) + 1;
  const startedAtMs = Date.now();
  await db.insert("generations", { generation, definition, status: "building", startedAtMs });
  await db.insert("builds", {
    generation,
    isFilled: false,
    processed: 0,
    total: null,
    span: null,
    batchSize: firstBatch,
    activeMs: 0,
    latestAtMs: startedAtMs,
  });
  if (settings.maxNodeSize !== undefined || settings.rootLazy !== undefined) {
    const forest = new Forest(db, generation);
    await forest.load([undefined]);
    forest.plant(undefined, settings);
    await forest.flush(db);
  }
  await refreshDirectory(db, definition);
  return generation;
}

/**
 * The generation that is to be built in bulk in place of one that is not ready. Where that holds anything, another one takes its
 * place, because what a build in bulk packs stands behind nothing. From here on writes wait beside it.
 */
export async function beginInBulk(db: DatabaseWriter, generation: Generation): Promise<number> {
  let number = generation.generation;
  const { isEmpty, settings } = await contentsOf(db, number);
  if (!isEmpty || generation.status !== "building") {
    await drop(db, generation);
    number = await createGeneration(db, generation.definition, settings);
  }
  const begun = await liveGeneration(db, number);
  if (begun !== null) await change(db, begun, { inBulk: true });
  return number;
}

/** From here on nothing is appended beside a generation: new writes are deltas, which are folded when the others are merged. */
export async function seal(db: DatabaseWriter, generation: Generation): Promise<void> {
  await change(db, generation, { isSealed: true });
}

/** Whether a generation holds nothing, with the settings of its tree without a namespace. */
async function contentsOf(
  db: DatabaseReader,
  generation: number,
): Promise<{ isEmpty: boolean; settings: TreeSettings }> {
  const build = await buildOf(db, generation);
  const [first, second] = await db
    .query("trees")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .take(2);
  const forest = new Forest(db, generation);
  await forest.load([undefined]);
  const tree = forest.find(undefined);
  const root = tree === null ? null : await untilLoaded(() => tree.nodes.find(tree.state.root));
  const isBare = root !== null && isLeaf(root) && root.items.length === 0;
  const isEmpty = first === undefined || (second === undefined && first.namespace === undefined && isBare);
  const waits = await db.query("pendingOperations").first();
  return {
    isEmpty: isEmpty && waits === null && build?.processed === 0,
    settings: tree === null ? {} : { maxNodeSize: tree.state.maxNodeSize, rootLazy: tree.state.rootLazy },
  };
}

/** The generation with a number; null when there is none, or when it was dropped. */
export async function liveGeneration(db: DatabaseReader, number: number): Promise<Generation | null> {
  const generation = await db
    .query("generations")
    .withIndex("by_generation", (q) => q.eq("generation", number))
    .first();
  return generation?.status === "dropped" ? null : generation;
}

/** The generation of a definition that is not ready yet, or null. */
export async function unreadyGeneration(db: DatabaseReader, definition: string): Promise<Generation | null> {
  const generations = await generationsOf(db, definition);
  return generations.find(({ status }) => status !== "ready" && status !== "dropped") ?? null;
}

/** The generations of a definition that answer reads: one, or none. */
async function readyGenerations(db: DatabaseReader, definition: string): Promise<Generation[]> {
  const generations = await generationsOf(db, definition);
  return generations.filter(({ status }) => status === "ready");
}

/** The fill has met the end of the table: the check follows. */
export async function startChecking(db: DatabaseWriter, generation: Generation): Promise<void> {
  await change(db, generation, { status: "checking", failure: undefined });
}

/** Goes on with a generation that has failed. */
export async function resume(db: DatabaseWriter, generation: Generation): Promise<void> {
  const build = await buildOf(db, generation.generation);
  const status = build?.isFilled === true ? "checking" : "building";
  await change(db, generation, { status, failure: undefined });
}

/** Notes that a document, or the check, has stopped the generation. */
export async function fail(db: DatabaseWriter, generation: Generation, failure: Failure): Promise<void> {
  const { message, documentId } = generation.failure ?? {};
  const isKnown = message === failure.message && documentId === failure.documentId;
  if (generation.status === "failed" && isKnown) return;
  await change(db, generation, { status: "failed", failure });
}

/** Lets this generation answer reads from now on, and drops the one that answered before it. */
export async function makeReady(db: DatabaseWriter, generation: Generation): Promise<void> {
  for (const other of await readyGenerations(db, generation.definition)) {
    if (other._id !== generation._id) await drop(db, other);
  }
  await change(db, generation, {
    status: "ready",
    failure: undefined,
    inBulk: undefined,
    isSealed: undefined,
    readyAtMs: Date.now(),
  });
}

/** Drops the generations of every definition but the given one, or of all for null. Returns true when there were any. */
export async function dropOthers(db: DatabaseWriter, definition: string | null): Promise<boolean> {
  const all = await db.query("generations").collect();
  const others = all.filter((other) => other.definition !== definition && other.status !== "dropped");
  for (const other of others) await drop(db, other);
  return others.length > 0;
}

/** Drops every generation of a definition. */
export async function dropAll(db: DatabaseWriter, definition: string): Promise<void> {
  for (const generation of await generationsOf(db, definition)) {
    if (generation.status !== "dropped") await drop(db, generation);
  }
}

/** Drops a generation. */
export async function drop(db: DatabaseWriter, generation: Generation): Promise<void> {
  await forgetDrift(db, generation.generation);
  await change(db, generation, { status: "dropped" });
}

/**
 * Drops a generation whose trees cannot be written any more, and begins another in its place. `id` is the document whose write
 * came upon the damage; the new generation notes it as drifted.
 */
export async function replaceDamaged(
  db: DatabaseWriter,
  number: number,
  message: string,
  id?: string,
): Promise<void> {
  const generation = await liveGeneration(db, number);
  if (generation === null) return;
  console.error(`[aggregate] the aggregate is damaged, and is built anew: ${message}`);
  await drop(db, generation);
  const { definition } = generation;
  const unready = await unreadyGeneration(db, definition);
  const next = unready?.generation ?? (await createGeneration(db, definition));
  if (id !== undefined) await noteDrift(db, next, [{ id, kind: "structure" }]);
}

/** A dropped generation that is to be cleared; null when there is none. */
export async function droppedGeneration(db: DatabaseReader): Promise<Generation | null> {
  const generations = await db.query("generations").collect();
  return (
    generations.find(({ status, clearedAtMs }) => status === "dropped" && clearedAtMs === undefined) ?? null
  );
}

/** Deletes the record of a generation that is cleared. That of the newest one stays, so that no number is used twice. */
export async function forget(db: DatabaseWriter, generation: Generation): Promise<void> {
  const build = await buildOf(db, generation.generation);
  if (build !== null) await db.delete("builds", build._id);
  const newest = await db.query("generations").withIndex("by_generation").order("desc").first();
  if (newest?._id === generation._id) await change(db, generation, { clearedAtMs: Date.now() });
  else await db.delete("generations", generation._id);
}

async function change(
  db: DatabaseWriter,
  { _id, definition }: Generation,
  changes: Partial<Omit<Generation, "failure" | "inBulk" | "isSealed">> & {
    failure?: Failure | undefined;
    inBulk?: true | undefined;
    isSealed?: true | undefined;
  },
): Promise<void> {
  await db.patch("generations", _id, changes);
  await refreshDirectory(db, definition);
}
