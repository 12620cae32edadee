/**
 * The history of runs. A run lasts from a start or resumption to its end. Its own document is written at both ends only; in
 * between, the counters of the migration tell how far it is.
 */
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { Doc } from "../_generated/dataModel.js";
import type { Counters, RunOutcome, RunSummary } from "../status.js";
import { findMigration, type MigrationRow, type RangeRow } from "./job.js";
import { addedUp, countersOf } from "./ranges.js";

/** Begins a run of the migration. */
export async function openRun(
  ctx: MutationCtx,
  row: MigrationRow,
  startedBy: string | undefined,
): Promise<void> {
  const who = startedBy === undefined ? {} : { startedBy };
  const id = await ctx.db.insert("runs", {
    migration: row.name,
    kind: row.reverting === undefined ? "migrate" : "revert",
    startedAt: Date.now(),
    ...who,
    processed: 0,
    skipped: 0,
    failed: 0,
    batches: 0,
  });
  const before = await countersOf(ctx, row);
  // Ranges go on from the first moment; otherwise the first batch begins the measurement.
  const measured = row.isSplit === true ? { firstAt: Date.now(), firstProcessed: before.processed } : {};
  row.run = { id, ...who, before, ...measured, isOver: false };
}

/** Ends the run in progress, if there is one. */
export async function closeRun(ctx: MutationCtx, row: MigrationRow, outcome: RunOutcome): Promise<void> {
  if (row.run === undefined || row.run.isOver) return;
  row.run = { ...row.run, isOver: true };
  const { error, errorDocumentId } = row;
  await ctx.db.patch("runs", row.run.id, {
    ...since(await countersOf(ctx, row), row.run),
    endedAt: Date.now(),
    outcome,
    ...(outcome === "failed" && error !== undefined ? { error } : {}),
    ...(outcome === "failed" && errorDocumentId !== undefined ? { errorDocumentId } : {}),
  });
}

/** How many documents a second it was between the first batch of the run and its latest; null before there were two. */
export function documentsPerSecond(row: MigrationRow, ranges: readonly RangeRow[]): number | null {
  const { firstAt, firstProcessed } = row.run ?? {};
  const latest = ranges.flatMap(({ pace }) => pace?.latestAt ?? []);
  const latestAt = latest.length === 0 ? row.run?.latestAt : Math.max(...latest);
  const { processed } = addedUp(row, ranges);
  if (firstAt === undefined || latestAt === undefined || latestAt <= firstAt) return null;
  return (processed - (firstProcessed ?? 0)) / ((latestAt - firstAt) / 1000);
}

/** The latest runs of one migration or of all, latest first. The counters of a run in progress are up to date. */
export async function history(ctx: QueryCtx, name: string | undefined, limit: number): Promise<RunSummary[]> {
  const runs =
    name === undefined
      ? ctx.db.query("runs")
      : ctx.db.query("runs").withIndex("migration", (q) => q.eq("migration", name));
  return Promise.all((await runs.order("desc").take(limit)).map((run) => summaryOf(ctx, run)));
}

async function summaryOf(
  ctx: QueryCtx,
  { _id, _creationTime, ...summary }: Doc<"runs">,
): Promise<RunSummary> {
  if (summary.outcome !== undefined) return summary;
  const row = await findMigration(ctx, summary.migration);
  if (row?.run?.id !== _id) return summary;
  return { ...summary, ...since(await countersOf(ctx, row), row.run) };
}

/** What a run has done so far. */
function since(now: Counters, { before }: { before: Counters }): Counters {
  return {
    processed: now.processed - before.processed,
    skipped: now.skipped - before.skipped,
    failed: now.failed - before.failed,
    batches: now.batches - before.batches,
  };
}
