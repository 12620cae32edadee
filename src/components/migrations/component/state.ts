/** Finding a migration's job, and whether something works at it. */
import type { SystemDataModel } from "convex/server";
import type { QueryCtx } from "./_generated/server.js";
import type { MigrationRow } from "./rows.js";

export type Worker = SystemDataModel["_scheduled_functions"]["document"];

export async function findMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow | null> {
  return ctx.db
    .query("migrations")
    .withIndex("name", (q) => q.eq("name", name))
    .unique();
}

/** The scheduled function that runs the next batch; null if none was scheduled or it is forgotten. */
export async function workerOf(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<Worker | null> {
  return row.workerId === undefined ? null : ctx.db.system.get("_scheduled_functions", row.workerId);
}

/** True when a batch is due or running. */
export function isAlive(worker: Worker | null): boolean {
  return worker?.state.kind === "pending" || worker?.state.kind === "inProgress";
}
