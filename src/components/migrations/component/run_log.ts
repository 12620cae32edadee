/**
 * The history of runs. A run lasts from a start or resumption to its end; its own document is written at
 * both ends only, in between the counters of the migration tell how far it is.
 */
import type { MutationCtx } from "./_generated/server.js";
import type { CurrentRun, MigrationRow, RunOutcome } from "./rows.js";

/** Begins a run. */
export async function openRun(
  ctx: MutationCtx,
  row: MigrationRow,
  startedBy: string | undefined,
): Promise<void> {
  const who = startedBy === undefined ? {} : { startedBy };
  const counters = { processed: 0, skipped: 0, batches: 0 };
  const id = await ctx.db.insert("runs", { migration: row.name, startedAt: Date.now(), ...who, ...counters });
  row.run = {
    id,
    ...who,
    processedBefore: row.processed,
    skippedBefore: row.skipped ?? 0,
    batches: 0,
    isOver: false,
  };
}

/** Ends the run in progress, if there is one. */
export async function closeRun(ctx: MutationCtx, row: MigrationRow, outcome: RunOutcome): Promise<void> {
  if (row.run === undefined || row.run.isOver) return;
  row.run = { ...row.run, isOver: true };
  const { error, errorDocumentId } = row;
  await ctx.db.patch("runs", row.run.id, {
    ...countersOf(row, row.run),
    endedAt: Date.now(),
    outcome,
    ...(outcome === "failed" && error !== undefined ? { error } : {}),
    ...(outcome === "failed" && errorDocumentId !== undefined ? { errorDocumentId } : {}),
  });
}

/** What a run has done so far. */
export function countersOf(
  row: MigrationRow,
  run: CurrentRun,
): { processed: number; skipped: number; batches: number } {
  return {
    processed: row.processed - run.processedBefore,
    skipped: (row.skipped ?? 0) - run.skippedBefore,
    batches: run.batches,
  };
}

/** Notes that a batch of the run has ended, for the rate. */
export function noteBatch(row: MigrationRow): void {
  if (row.run === undefined) return;
  const now = Date.now();
  const first = row.run.batches === 0 ? { firstAt: now, firstProcessed: row.processed } : {};
  row.run = { ...row.run, ...first, batches: row.run.batches + 1, latestAt: now };
}

/** Documents a second between the first batch of the run and its latest; null before there were two. */
export function documentsPerSecond({ run, processed }: MigrationRow): number | null {
  const { firstAt, latestAt, firstProcessed } = run ?? {};
  if (firstAt === undefined || latestAt === undefined || latestAt <= firstAt) return null;
  return (processed - (firstProcessed ?? 0)) / ((latestAt - firstAt) / 1000);
}
