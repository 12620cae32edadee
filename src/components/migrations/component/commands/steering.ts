/** Stopping, resuming, tuning and undoing migrations, retrying what was put aside, and forgetting all of it. */
import { api, internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { callForDocument, type MigrationFunctionHandle } from "../batches/batch_call.js";
import { migrationError, migrationErrorData } from "../failures.js";
import { stopChecks } from "../jobs/check_job.js";
import type { MigrationRow } from "../jobs/job.js";
import { MigrationJob } from "../jobs/migration_jobs.js";
import { latestQuarantine, putAside, quarantined } from "../jobs/quarantine.js";
import { dismissAll, reverseRanges, scheduleAll } from "../jobs/ranges.js";
import { closeRun, openRun } from "../jobs/runs.js";
import type { BatchRequest, Tuning } from "../protocol.js";
import type { MigrationStatus, RetryResult } from "../status.js";
import { beginAt, busy, interruption, isRunning, leftovers } from "./start.js";
import { statusOf } from "./status_of.js";

/** So many jobs are dealt with in one transaction. */
const jobsAtOnce = 100;
/** So many documents are retried in one transaction. */
const documentsAtOnce = 20;

/**
 * Stops a job that is in progress, at the end of its last committed batch, and leaves any other as it is. A
 * paused job stays paused until it is resumed; a cancelled one also goes on when it is started again.
 */
export async function halt(
  ctx: MutationCtx,
  row: MigrationRow,
  how: "canceled" | "paused",
): Promise<MigrationStatus> {
  const status = await statusOf(ctx, row);
  if (status.state !== "inProgress") return status;
  await dismissAll(ctx, row);
  row.halted = how;
  await closeRun(ctx, row, how);
  await ctx.db.replace("migrations", row._id, row);
  console.log(`Migration ${row.name} is ${how}.`);
  return statusOf(ctx, row);
}

/** Lets a job that is paused, cancelled or failed go on, with everything it was started with. */
export async function resume(
  ctx: MutationCtx,
  row: MigrationRow,
  startedBy?: string,
): Promise<MigrationStatus> {
  if (row.isDone || row.halted === "reverted" || (await isRunning(ctx, row))) return statusOf(ctx, row);
  requireHandle(row);
  await closeRun(ctx, row, interruption(row));
  for (const field of leftovers) delete row[field];
  await openRun(ctx, row, startedBy);
  await scheduleAll(ctx, row);
  await ctx.db.replace("migrations", row._id, row);
  return statusOf(ctx, row);
}

/** Changes how a job runs, from its next batch on. @throws MIGRATION_ARGUMENTS when a size or a rate is not above 0 */
export async function tune(ctx: MutationCtx, row: MigrationRow, tuning: Tuning): Promise<MigrationStatus> {
  for (const field of ["batchSize", "maxDocumentsPerSecond"] as const) {
    const value = tuning[field];
    if (typeof value === "number" && !(value > 0)) {
      throw migrationError("MIGRATION_ARGUMENTS", `${field} must be greater than 0`);
    }
    if (value === null) delete row[field];
    else if (value !== undefined) row[field] = value;
  }
  if (tuning.onError === null) delete row.onError;
  else if (tuning.onError !== undefined) row.onError = tuning.onError;
  // A worker may be waiting for a rate that was just lifted.
  if (await isRunning(ctx, row)) {
    await dismissAll(ctx, row);
    await scheduleAll(ctx, row);
  }
  await ctx.db.replace("migrations", row._id, row);
  return statusOf(ctx, row);
}

/**
 * Begins to undo a migration, as far as it has come. A migration that changed nothing is left as it is, and a revert
 * that failed is resumed.
 * @throws MIGRATION_BUSY while the migration runs
 * @throws MIGRATION_NOT_DEFINED when it has no `down`; it then stays what it is
 */
export async function revert(
  ctx: MutationCtx,
  row: MigrationRow,
  startedBy?: string,
): Promise<MigrationStatus> {
  if (await isRunning(ctx, row)) throw busy(row);
  if (row.reverting !== undefined) return resume(ctx, row, startedBy);
  if (row.halted === "reverted" || (!row.isDone && row.cursor === null)) return statusOf(ctx, row);
  requireHandle(row);
  await requireDown(ctx, row);
  await closeRun(ctx, row, interruption(row));
  const isPart = !row.isDone && row.cursor !== null && row.isSplit !== true;
  const until = isPart && row.cursor !== null ? { until: row.cursor } : {};
  const epoch = row.epoch ?? 0;
  await reverseRanges(ctx, row);
  beginAt(row, null);
  for (const field of [...leftovers, "next", "resetsNext"] as const) delete row[field];
  row.reverting = { ...until, epoch };
  await openRun(ctx, row, startedBy);
  await scheduleAll(ctx, row);
  await ctx.db.replace("migrations", row._id, row);
  return statusOf(ctx, row);
}

/** Tries a revert of one document and rolls it back. Whatever else comes of that, the revert itself will tell. */
async function requireDown(ctx: MutationCtx, { name, fnHandle }: MigrationRow): Promise<void> {
  const job: BatchRequest = { kind: "revert", batchSize: 1 };
  try {
    await ctx.runMutation(fnHandle as MigrationFunctionHandle, {
      cursor: null,
      oneBatchOnly: true,
      dryRun: true,
      job,
    });
  } catch (error) {
    const data = migrationErrorData(error);
    if (data?.code === "MIGRATION_NOT_DEFINED") throw migrationError(data.code, data.message, { name });
  }
}

function requireHandle({ name, fnHandle }: MigrationRow): void {
  if (fnHandle !== undefined) return;
  const message = `Start migration ${name} by its own name once: what began it did not say which function it is.`;
  throw migrationError("MIGRATION_ARGUMENTS", message, { name });
}

/**
 * Migrates the documents put aside until `until` (default: all) again, each in a nested transaction of its own: the
 * first 20 now, the rest in further transactions. Those that fail again stay, with the new error.
 * @throws MIGRATION_BUSY while the migration is being reverted
 */
export async function retry(ctx: MutationCtx, row: MigrationRow, until?: number): Promise<RetryResult> {
  if (row.reverting !== undefined) throw busy(row);
  const last = until ?? (await latestQuarantine(ctx, row));
  if (last === null) return { migrated: 0, failed: 0, isDone: true };
  const entries = await quarantined(ctx, row, documentsAtOnce, last);
  const result: RetryResult = { migrated: 0, failed: 0, isDone: entries.length < documentsAtOnce };
  const job = new MigrationJob(row);
  for (const { _id, documentId } of entries) {
    const error = await callForDocument(ctx, job, documentId);
    if (error === null) {
      await ctx.db.delete("quarantine", _id);
      // The ranges of a split migration have counted the failures, so the number here then falls below 0.
      row.failed = Math.max(row.isSplit === true ? -Infinity : 0, (row.failed ?? 0) - 1);
      result.migrated++;
    } else {
      await putAside(ctx, row, documentId, error);
      result.failed++;
    }
  }
  await job.save(ctx);
  if (!result.isDone) {
    await ctx.scheduler.runAfter(0, internal.lib.retryRest, { name: row.name, until: last });
  }
  return result;
}

/** Stops every job in progress: the first 100 now, which it resolves with, the later ones in further transactions. */
export async function cancelAll(ctx: MutationCtx, since: number): Promise<MigrationStatus[]> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("isDone", (q) => q.eq("isDone", false).gte("_creationTime", since))
    .take(jobsAtOnce);
  const statuses = [];
  for (const row of rows) statuses.push(await halt(ctx, row, "canceled"));
  const last = rows[jobsAtOnce - 1];
  if (last !== undefined) await ctx.scheduler.runAfter(0, api.lib.cancelAll, { sinceTs: last._creationTime });
  return statuses;
}

/** Stops and forgets every job created up to `before`, with all runs, checks and quarantined documents. */
export async function clearAll(ctx: MutationCtx, before: number): Promise<void> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
    .order("desc")
    .take(jobsAtOnce);
  for (const row of rows) {
    await dismissAll(ctx, row);
    await stopChecks(ctx, row.name);
    await ctx.db.delete("migrations", row._id);
  }
  let isMore = rows.length === jobsAtOnce;
  for (const table of ["ranges", "runs", "checks", "quarantine"] as const) {
    const records = await ctx.db
      .query(table)
      .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
      .take(jobsAtOnce);
    for (const { _id } of records) await ctx.db.delete(_id);
    isMore ||= records.length === jobsAtOnce;
  }
  if (isMore) await ctx.scheduler.runAfter(0, api.lib.clearAll, { before });
}
