/** The history of runs as others see it. */
import type { QueryCtx } from "./_generated/server.js";
import type { RunOutcome, RunRow } from "./rows.js";
import { countersOf } from "./run_log.js";
import { findMigration } from "./state.js";

/** One run of a migration; times in milliseconds since 1970. */
export type RunSummary = {
  migration: string;
  startedAt: number;
  startedBy?: string;
  endedAt?: number;
  /** Absent while it runs; `died` for one that ended without a trace. */
  outcome?: RunOutcome;
  processed: number;
  skipped: number;
  batches: number;
  error?: string;
  errorDocumentId?: string;
};

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
  return row?.run?.id === _id ? { ...summary, ...countersOf(row, row.run) } : summary;
}
