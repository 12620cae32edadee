/** Stopping jobs, and forgetting them. */
import { migrationError } from "../failures.js";
import type { MigrationStatus } from "../protocol.js";
import { api } from "./_generated/api.js";
import type { MutationCtx } from "./_generated/server.js";
import { dismiss, save } from "./chain.js";
import type { MigrationRow } from "./rows.js";
import { closeRun } from "./run_log.js";
import { findMigration } from "./state.js";
import { statusOf } from "./status.js";

/** So many jobs are dealt with in one transaction. */
const atOnce = 100;

/** The job of that name. Throws MIGRATION_NOT_FOUND. */
export async function getMigration(ctx: MutationCtx, name: string): Promise<MigrationRow> {
  const row = await findMigration(ctx, name);
  if (row === null) throw migrationError("MIGRATION_NOT_FOUND", `Migration ${name} not found`, { name });
  return row;
}

/** Stops a job that is in progress, at the end of its last committed batch; leaves any other as it is. */
export async function cancel(ctx: MutationCtx, row: MigrationRow): Promise<MigrationStatus> {
  const status = await statusOf(ctx, row);
  if (status.state !== "inProgress") return status;
  await dismiss(ctx, row);
  row.halted = "canceled";
  await closeRun(ctx, row, "canceled");
  await save(ctx, row);
  console.log(`Canceled migration ${row.name}`);
  return statusOf(ctx, row);
}

/** Stops every job in progress, the later ones in further transactions; resolves with the first. */
export async function cancelAll(ctx: MutationCtx, since: number): Promise<MigrationStatus[]> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("isDone", (q) => q.eq("isDone", false).gte("_creationTime", since))
    .take(atOnce);
  const statuses = [];
  for (const row of rows) statuses.push(await cancel(ctx, row));
  const last = rows[atOnce - 1];
  if (last !== undefined) await ctx.scheduler.runAfter(0, api.lib.cancelAll, { sinceTs: last._creationTime });
  return statuses;
}

/** Stops and forgets every job created until `before`, and all runs. */
export async function clearAll(ctx: MutationCtx, before: number): Promise<void> {
  const rows = await ctx.db
    .query("migrations")
    .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
    .order("desc")
    .take(atOnce);
  for (const row of rows) {
    await dismiss(ctx, row);
    await ctx.db.delete("migrations", row._id);
  }
  const runs = await ctx.db
    .query("runs")
    .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
    .take(atOnce);
  for (const run of runs) await ctx.db.delete("runs", run._id);
  if (rows.length === atOnce || runs.length === atOnce) {
    await ctx.scheduler.runAfter(0, api.lib.clearAll, { before });
  }
}
