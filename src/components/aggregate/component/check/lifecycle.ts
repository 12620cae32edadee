/**
 * The life of a run: how it begins, how it ends, and how long it is kept. A generation has one run at a time. The run that checks
 * a fresh build makes the generation ready when nothing is wrong any more.
 */
import { v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import { CheckRun, dropProgress, firstBatch, noDifferences } from "./runs.js";
import { driftOf, assignRun, settleDrift } from "./drift.js";
import { unmanaged } from "../forest/forest.js";
import * as states from "../generation/states.js";
import type { Failure } from "../generation/tables.js";
import { nothingCollected } from "../../tree/index.js";

/** What the latest run of a generation that has ended found. */
export const lastVerifiedRun = v.object({
  atMs: v.number(),
  differences: v.number(),
  durationMs: v.number(),
});

/** How many runs of a generation are kept, with their differences. */
const keptRuns = 10;
/** How many documents one transaction deletes at most when it clears a run. */
const clearedPerStep = 500;

/** Repairs take up this share of the time at most, however often writes come upon drift. */
const repairingShare = 0.1;

/** Begins the repair that drift makes due, or says how long it has to wait. Returns null when none is due. */
export async function repairDrift(
  db: DatabaseWriter,
  generation: number,
): Promise<{ runId: string } | { waitMs: number } | null> {
  const drift = await driftOf(db, generation);
  if (drift === null || drift.run !== undefined) return null;
  const latest = await latestRun(db, generation);
  if (latest?.startedBy === driftScope) {
    const { startedAtMs, durationMs = 0 } = latest;
    const waitMs = startedAtMs + durationMs / repairingShare - Date.now();
    if (waitMs > 0) return { waitMs };
  }
  return { runId: await beginRun(db, { generation, repair: true, startedBy: driftScope }) };
}

const driftScope = "drift";

/** The run of a generation that is under way, or null. */
export async function dueRun(db: DatabaseReader, generation: number): Promise<string | null> {
  const latest = await latestRun(db, generation);
  if (latest?.status !== "running") return null;
  return latest._id;
}

/** Begins a run, and returns its id. A run that is under way goes on instead, unless it does not repair and this one is to. */
export async function beginRun(
  db: DatabaseWriter,
  { generation, repair, startedBy }: Pick<Doc<"checkRuns">, "generation" | "repair" | "startedBy">,
): Promise<string> {
  const latest = await latestRun(db, generation);
  if (latest?.status === "running") {
    if (latest.repair || !repair) return latest._id;
    await (
      await CheckRun.open(db, latest._id)
    )?.finish({
      status: "failed",
      failure: { message: "Another check took its place." },
    });
  }
  await forgetOldRuns(db, generation);
  const run = await db.insert("checkRuns", {
    generation,
    repair,
    startedBy,
    startedAtMs: Date.now(),
    status: "running",
    counts: noDifferences(),
    fixed: 0,
  });
  await db.insert("checkSteps", {
    run,
    phase: "structure",
    batchSize: firstBatch,
    nodes: 0,
    items: 0,
    documents: 0,
  });
  const { separators, ...collector } = nothingCollected;
  await db.insert("checkBuckets", { run, separators: [...separators], ...collector });
  await assignRun(db, generation, run);
  return run;
}

/**
 * Records that a build in bulk compared what it has packed with what it has read, as a run that found nothing. A run that goes
 * on, and is to look closer, stays the latest.
 */
export async function recordBuild(
  db: DatabaseWriter,
  generation: Doc<"generations">,
  documents: number,
): Promise<void> {
  const { generation: number, startedAtMs } = generation;
  if ((await dueRun(db, number)) !== null) return;
  await db.insert("checkRuns", {
    generation: number,
    repair: true,
    startedBy: "build",
    startedAtMs,
    status: "done",
    durationMs: Date.now() - startedAtMs,
    checked: { nodes: 0, items: documents, documents },
    counts: noDifferences(),
    fixed: 0,
  });
}

/** What the latest run of a generation that is done found, and how many of its differences are not mended. */
export async function lastVerified(
  db: DatabaseReader,
  generation: number,
): Promise<{ lastVerified: Infer<typeof lastVerifiedRun> | null; drift: number | null }> {
  const over = await runsOf(db, generation)
    .filter((q) => q.eq(q.field("status"), "done"))
    .first();
  if (over === null) return { lastVerified: null, drift: null };
  const { startedAtMs, durationMs = 0, fixed } = over;
  const differences = countOf(over);
  return {
    lastVerified: { atMs: startedAtMs + durationMs, differences, durationMs },
    drift: differences - fixed,
  };
}

/** Deletes the runs of a dropped generation, one part at a time; returns true when nothing is left. */
export async function clearRuns(db: DatabaseWriter, generation: number): Promise<boolean> {
  const run = await latestRun(db, generation);
  if (run === null) return true;
  await clearRun(db, run._id);
  return false;
}

/** Ends a run whose phases are over. When nothing is wrong in a fresh build any more, the build answers reads from now on. */
export async function completeRun(db: DatabaseWriter, run: CheckRun): Promise<void> {
  const { generation: number, counts, fixed, repair } = run.row;
  await run.finish({ status: "done" });
  const unfixed = countOf({ counts }) - fixed;
  await settleDrift(db, run.row, unfixed);
  const generation = number === unmanaged ? null : await states.liveGeneration(db, number);
  if (generation === null || generation.status === "ready") return;
  if (unfixed === 0) await states.makeReady(db, generation);
  // A run that does not repair leaves what it found to the check of the build.
  else if (repair) {
    await states.fail(db, generation, { message: `The check found ${unfixed} differences and left them.` });
  }
}

/** Ends a run that cannot go on. The build that it was to check fails with it, and is tried again. */
export async function failRun(db: DatabaseWriter, run: CheckRun, failure: Failure): Promise<void> {
  await run.finish({ status: "failed", failure });
  const { generation: number } = run.row;
  const generation = number === unmanaged ? null : await states.liveGeneration(db, number);
  if (generation !== null && generation.status !== "ready") await states.fail(db, generation, failure);
}

/** How many differences a run has found. */
function countOf({ counts }: Pick<Doc<"checkRuns">, "counts">): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The latest run of a generation. */
export function latestRun(db: DatabaseReader, generation: number): Promise<Doc<"checkRuns"> | null> {
  return runsOf(db, generation).first();
}

function runsOf(db: DatabaseReader, generation: number) {
  return db
    .query("checkRuns")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .order("desc");
}

async function forgetOldRuns(db: DatabaseWriter, generation: number): Promise<void> {
  const runs = await runsOf(db, generation).take(keptRuns + 1);
  const oldest = runs[keptRuns];
  if (oldest !== undefined) await clearRun(db, oldest._id);
}

/** Deletes a run with all that belongs to it, or, where that is too much for one transaction, a part of it. */
async function clearRun(db: DatabaseWriter, run: Id<"checkRuns">): Promise<void> {
  let left = clearedPerStep;
  for (const table of ["differences", "checkDamage"] as const) {
    const rows = await db
      .query(table)
      .withIndex("by_run", (q) => q.eq("run", run as never))
      .take(left);
    for (const { _id } of rows) await db.delete(table, _id as never);
    left -= rows.length;
  }
  if (left <= 0) return;
  await dropProgress(db, run);
  await db.delete("checkRuns", run);
}
