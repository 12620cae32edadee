/** Finding and storing jobs, and whether something works at them. */
import type { SystemDataModel } from "convex/server";
import { migrationError } from "../failures.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import { maxDocumentsPerSecond } from "./pace.js";
import { openRanges } from "./ranges.js";
import { isCheck, isRange, type JobRow, type MigrationRow } from "./rows.js";

export type Worker = SystemDataModel["_scheduled_functions"]["document"];

export async function findMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow | null> {
  return ctx.db
    .query("migrations")
    .withIndex("name", (q) => q.eq("name", name))
    .unique();
}

/** A job that a worker is at, with what it is bound to. */
export type Assignment = {
  row: JobRow;
  /** The migration that the job is, or is a range of; null for a check. */
  owner: MigrationRow | null;
  /** Documents a second that this job may do; ranges share what the migration may. */
  rate: number | undefined;
};

/** What a worker of the job needs to know. */
export async function assignmentOf(ctx: Pick<QueryCtx, "db">, row: JobRow): Promise<Assignment> {
  if (isCheck(row)) return { row, owner: null, rate: undefined };
  const owner = isRange(row) ? await getMigration(ctx, row.migration) : row;
  const rate = maxDocumentsPerSecond(owner);
  if (rate === undefined || !isRange(row)) return { row, owner, rate };
  return { row, owner, rate: rate / Math.max(1, (await openRanges(ctx, owner)).length) };
}

/** The job of that name. Throws MIGRATION_NOT_FOUND. */
export async function getMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow> {
  const row = await findMigration(ctx, name);
  if (row === null) throw migrationError("MIGRATION_NOT_FOUND", `Migration ${name} not found`, { name });
  return row;
}

/** The scheduled function that runs the next batch; null if none was scheduled or it is forgotten. */
export async function workerOf(ctx: Pick<QueryCtx, "db">, row: JobRow): Promise<Worker | null> {
  return row.workerId === undefined ? null : ctx.db.system.get("_scheduled_functions", row.workerId);
}

/** True when a batch is due or running. */
export function isAlive(worker: Worker | null): boolean {
  return worker?.state.kind === "pending" || worker?.state.kind === "inProgress";
}

/** Stores a job as it now is. */
export async function save(ctx: MutationCtx, row: JobRow): Promise<void> {
  if (isCheck(row)) await ctx.db.replace("checks", row._id, row);
  else if (isRange(row)) await ctx.db.replace("ranges", row._id, row);
  else await ctx.db.replace("migrations", row._id, row);
}
