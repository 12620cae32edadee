/**
 * The history of runs. A run lasts from a start or resumption to its end; its own document is written at
 * both ends only, in between the counters of the migration tell how far it is.
 */
import type { RunOutcome, RunSummary } from "../status.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import type { CurrentRun, JobFields, MigrationRow, RunRow } from "./rows.js";
import { findMigration } from "./state.js";

type Counters = CurrentRun["before"];

/** Begins a run. */
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
  row.run = { id, ...who, before: countersOf(row), isOver: false };
}

/** Ends the run in progress, if there is one. */
export async function closeRun(ctx: MutationCtx, row: MigrationRow, outcome: RunOutcome): Promise<void> {
  if (row.run === undefined || row.run.isOver) return;
  row.run = { ...row.run, isOver: true };
  const { error, errorDocumentId } = row;
  await ctx.db.patch("runs", row.run.id, {
    ...since(row, row.run),
    endedAt: Date.now(),
    outcome,
    ...(outcome === "failed" && error !== undefined ? { error } : {}),
    ...(outcome === "failed" && errorDocumentId !== undefined ? { errorDocumentId } : {}),
  });
}

/** Notes that a batch of the run has ended, for the rate. */
export function noteBatch(row: MigrationRow): void {
  if (row.run === undefined) return;
  const now = Date.now();
  const first = row.run.firstAt === undefined ? { firstAt: now, firstProcessed: row.processed } : {};
  row.run = { ...row.run, ...first, latestAt: now };
}

/** Documents a second between the first batch of the run and its latest; null before there were two. */
export function documentsPerSecond({ run, processed }: MigrationRow): number | null {
  const { firstAt, latestAt, firstProcessed } = run ?? {};
  if (firstAt === undefined || latestAt === undefined || latestAt <= firstAt) return null;
  return (processed - (firstProcessed ?? 0)) / ((latestAt - firstAt) / 1000);
}

/** The latest runs first, of one migration or of all; the counters of one in progress are up to date. */
export async function history(ctx: QueryCtx, name: string | undefined, limit: number): Promise<RunSummary[]> {
  const runs =
    name === undefined
      ? ctx.db.query("runs")
      : ctx.db.query("runs").withIndex("migration", (q) => q.eq("migration", name));
  return Promise.all((await runs.order("desc").take(limit)).map((run) => summaryOf(ctx, run)));
}

async function summaryOf(ctx: QueryCtx, { _id, _creationTime, ...summary }: RunRow): Promise<RunSummary> {
  if (summary.outcome !== undefined) return summary;
  const row = await findMigration(ctx, summary.migration);
  if (row?.run?.id !== _id) return summary;
  return { ...summary, ...since(row, row.run) };
}

function countersOf(row: JobFields): Counters {
  const { processed, skipped = 0, failed = 0, batches = 0 } = row;
  return { processed, skipped, failed, batches };
}

/** What a run has done so far. */
function since(row: MigrationRow, { before }: CurrentRun): Counters {
  const now = countersOf(row);
  return {
    processed: now.processed - before.processed,
    skipped: now.skipped - before.skipped,
    failed: now.failed - before.failed,
    batches: now.batches - before.batches,
  };
}
