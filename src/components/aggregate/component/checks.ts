/**
 * The life of a run: how it begins, goes from phase to phase, and ends. A generation has one run at a time. The run that checks
 * a fresh build makes it ready when nothing is wrong any more; one that mends damaged trees has the generation built
 * anew beside, and is over when that one has taken its place.
 */
import type { Doc, Id } from "./_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import { CheckRun, dropProgress, noDifferences, ofRun } from "./check_runs.js";
import { generationsOf } from "./generation_directory.js";
import * as states from "./generation_states.js";
import { NOTHING_COLLECTED } from "../tree/index.js";

/** What a generation's latest run that is over has found. */
export type LastVerified = { atMs: number; differences: number; durationMs: number };

/** How many runs of a generation are kept, with what they found. */
const KEPT_RUNS = 10;
/** How many documents a part of clearing deletes at most. */
const CLEARED = 500;

/** The run that is to go on in a generation, or null. */
export async function dueRun(db: DatabaseReader, generation: number): Promise<string | null> {
  const latest = await latestRun(db, generation);
  if (latest?.status !== "running") return null;
  const step = await ofRun(db, "checkSteps", latest._id);
  return step === null || step.phase === "rebuild" ? null : latest._id;
}

/** Begins a run. One that is under way is given up, unless it does the same. */
export async function beginRun(
  db: DatabaseWriter,
  { generation, repair, startedBy }: Pick<Doc<"checkRuns">, "generation" | "repair" | "startedBy">,
): Promise<string> {
  const latest = await latestRun(db, generation);
  if (latest?.status === "running") {
    if (latest.repair === repair) return latest._id;
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
  await db.insert("checkSteps", { run, phase: "structure", nodes: 0, items: 0, documents: 0 });
  const { separators, ...collector } = NOTHING_COLLECTED;
  await db.insert("checkBuckets", { run, separators: [...separators], ...collector });
  return run;
}

/** What the latest run of a generation found, and how many of its differences are not repaired. */
export async function lastVerified(
  db: DatabaseReader,
  generation: number,
): Promise<{ lastVerified: LastVerified | null; drift: number | null }> {
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

/** Deletes what is kept of a dropped generation's runs, in parts; true when nothing is left. */
export async function clearRuns(db: DatabaseWriter, generation: number): Promise<boolean> {
  const run = await latestRun(db, generation);
  if (run === null) return true;
  await clearRun(db, run._id);
  return false;
}

/** Ends a run whose phases are over: what it was for can happen now. */
export async function completeRun(db: DatabaseWriter, run: CheckRun): Promise<void> {
  const { generation: number, counts, fixed, repair } = run.row;
  const generation = number === 0 ? null : await states.liveGeneration(db, number);
  const isDamaged = counts.structure > 0;
  if (isDamaged && repair && generation !== null && generation.status === "ready") {
    await states.createGeneration(db, generation.definition);
    run.begin("rebuild");
    await run.save();
    return;
  }
  await run.finish({ status: "done" });
  if (generation === null || generation.status === "ready") return;
  if (countOf({ counts }) > fixed) {
    const message = `The check of the build found ${countOf({ counts }) - fixed} differences that it could not repair.`;
    await states.fail(db, generation, { message });
    return;
  }
  await completeRebuilds(db, generation);
  await states.makeReady(db, generation);
}

/** The runs that waited for a generation to be built anew are over, and are kept with the new one. */
async function completeRebuilds(
  db: DatabaseWriter,
  { definition, generation }: states.Generation,
): Promise<void> {
  for (const other of await generationsOf(db, definition)) {
    if (other.status !== "ready") continue;
    const latest = await latestRun(db, other.generation);
    const run = latest && (await CheckRun.open(db, latest._id));
    if (run?.step.phase !== "rebuild") continue;
    const damage = db.query("differences").withIndex("by_run", (q) => q.eq("run", run.id));
    for await (const { _id, kind } of damage) {
      if (kind !== "structure") continue;
      await db.patch("differences", _id, { fixed: true });
      run.row.fixed++;
    }
    await run.finish({ status: "done" });
    await db.patch("checkRuns", run.id, { generation });
  }
}

/** How many differences a run has found. */
export function countOf({ counts }: Pick<Doc<"checkRuns">, "counts">): number {
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
  const runs = await runsOf(db, generation).take(KEPT_RUNS + 1);
  const oldest = runs[KEPT_RUNS];
  if (oldest !== undefined) await clearRun(db, oldest._id);
}

/** Deletes a run with all that belongs to it, or some of that. */
async function clearRun(db: DatabaseWriter, run: Id<"checkRuns">): Promise<void> {
  let left = CLEARED;
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
