/** The report of a run: what it has compared, and a page of what it has found. */
import { v, type Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader } from "../_generated/server.js";
import { failure } from "../generation/tables.js";
import { aggregateError } from "../interface/errors.js";
import { value } from "../interface/operation.js";
import { noDifferences, ofRun } from "./runs.js";
import { checkPhase, compared, differenceCounts, differenceKind, runStatus } from "./tables.js";

export type Report = Infer<typeof report>;
export const report = v.object({
  runId: v.string(),
  status: runStatus,
  /** What the run is doing; null when it is over. */
  phase: v.union(checkPhase, v.null()),
  repair: v.boolean(),
  startedBy: v.string(),
  startedAtMs: v.number(),
  durationMs: v.number(),
  checked: v.object(compared),
  counts: differenceCounts,
  /** How many of the differences are mended. */
  fixed: v.number(),
  failure: v.union(failure, v.null()),
  differences: v.array(
    v.object({ id: v.string(), kind: differenceKind, expected: value, actual: value, fixed: v.boolean() }),
  ),
  /** The cursor of the next page of differences; null when there are no more. */
  continueCursor: v.union(v.string(), v.null()),
});

/** Reports on a run, with up to `limit` differences behind a cursor. @throws INVALID_CURSOR */
export async function reportOn(
  db: DatabaseReader,
  run: Doc<"checkRuns">,
  cursor: string | undefined,
  limit: number,
): Promise<Report> {
  const step = await ofRun(db, "checkSteps", run._id);
  const found = await db
    .query("differences")
    .withIndex("by_run", (q) => q.eq("run", run._id).gt("_creationTime", placeOf(cursor)))
    .take(limit + 1);
  const page = found.slice(0, limit);
  const { status, repair, startedBy, startedAtMs, counts, fixed } = run;
  return {
    runId: run._id,
    status,
    phase: step?.phase ?? null,
    repair,
    startedBy,
    startedAtMs,
    durationMs: run.durationMs ?? Date.now() - startedAtMs,
    checked: run.checked ?? checkedBy(step),
    counts: { ...noDifferences(), ...counts },
    fixed,
    failure: run.failure ?? null,
    differences: page.map(({ id, kind, expected, actual, fixed }) => ({ id, kind, expected, actual, fixed })),
    continueCursor: found.length > limit ? String(page.at(-1)?._creationTime) : null,
  };
}

function checkedBy(step: Doc<"checkSteps"> | null): Report["checked"] {
  const { nodes = 0, items = 0, documents = 0 } = step ?? {};
  return { nodes, items, documents };
}

function placeOf(cursor: string | undefined): number {
  const place = Number(cursor ?? 0);
  if (!Number.isFinite(place)) {
    throw aggregateError("INVALID_CURSOR", "The cursor is not one that this function returned.");
  }
  return place;
}
