/** Finding and storing jobs, and whether something works at them. */
import type { SystemDataModel } from "convex/server";
import { migrationError } from "../failures.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import { isCheck, type JobRow, type MigrationRow } from "./rows.js";

export type Worker = SystemDataModel["_scheduled_functions"]["document"];

export async function findMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow | null> {
  return ctx.db
    .query("migrations")
    .withIndex("name", (q) => q.eq("name", name))
    .unique();
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
  else await ctx.db.replace("migrations", row._id, row);
}
