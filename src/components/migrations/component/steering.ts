/** Stopping, resuming, tuning and undoing migrations, and forgetting them. */
import { migrationError, migrationErrorData } from "../failures.js";
import type { Job, OnError } from "../protocol.js";
import type { MigrationStatus } from "../status.js";
import { api } from "./_generated/api.js";
import type { MutationCtx } from "./_generated/server.js";
import type { MigrationFunctionHandle } from "./batch_call.js";
import { stopChecks } from "./checks.js";
import { dismissAll, scheduleAll } from "./chain.js";
import { reverseRanges } from "./ranges.js";
import type { MigrationRow } from "./rows.js";
import { closeRun, openRun } from "./run_log.js";
import { beginAt, busy, interruption, isRunning, leftovers } from "./start.js";
import { save } from "./state.js";
import { statusOf } from "./status_of.js";

/** So many jobs are dealt with in one transaction. */
const atOnce = 100;

/**
 * Stops a job that is in progress, at the end of its last committed batch; leaves any other as it is. A
 * paused one stays so until it is resumed, a cancelled one also goes on when it is started again.
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
  await save(ctx, row);
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
  await save(ctx, row);
  return statusOf(ctx, row);
}

/** What can be changed while it runs; null takes an override away. */
export type Tuning = {
  batchSize?: number | null;
  maxDocumentsPerSecond?: number | null;
  onError?: OnError | null;
};

/** Changes how a job runs, from its next batch on. Throws MIGRATION_ARGUMENTS. */
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
  await save(ctx, row);
  return statusOf(ctx, row);
}

/**
 * Begins to undo a migration, as far as it has come. Throws MIGRATION_BUSY while it runs, and MIGRATION_NOT_DEFINED for one
 * without `down`, which stays what it is; a migration that changed nothing is left as it is, a revert that failed is resumed.
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
  await save(ctx, row);
  return statusOf(ctx, row);
}

/** Asks for a revert of one document that is rolled back: whatever else comes of it, the revert itself will tell. */
async function requireDown(ctx: MutationCtx, { name, fnHandle }: MigrationRow): Promise<void> {
  const job: Job = { kind: "revert", batchSize: 1 };
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

/** Stops every job in progress, the later ones in further transactions; resolves with the first. */
export async function cancelAll(ctx: MutationCtx, since: number): Promise<MigrationStatus[]> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("isDone", (q) => q.eq("isDone", false).gte("_creationTime", since))
    .take(atOnce);
  const statuses = [];
  for (const row of rows) statuses.push(await halt(ctx, row, "canceled"));
  const last = rows[atOnce - 1];
  if (last !== undefined) await ctx.scheduler.runAfter(0, api.lib.cancelAll, { sinceTs: last._creationTime });
  return statuses;
}

/** Stops and forgets every job created until `before`, with all runs, checks and quarantined documents. */
export async function clearAll(ctx: MutationCtx, before: number): Promise<void> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
    .order("desc")
    .take(atOnce);
  for (const row of rows) {
    await dismissAll(ctx, row);
    await stopChecks(ctx, row.name);
    await ctx.db.delete("migrations", row._id);
  }
  let isMore = rows.length === atOnce;
  for (const table of ["ranges", "runs", "checks", "quarantine"] as const) {
    const records = await ctx.db
      .query(table)
      .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
      .take(atOnce);
    for (const { _id } of records) await ctx.db.delete(_id);
    isMore ||= records.length === atOnce;
  }
  if (isMore) await ctx.scheduler.runAfter(0, api.lib.clearAll, { before });
}
