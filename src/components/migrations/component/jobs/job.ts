/**
 * A job is a chain of batches over a range, stored as a row of one of three tables: a migration, one of the disjoint
 * ranges that a migration goes through at once, or a check. All of them go the same way (`batches/chain.ts`), which
 * asks the job for whatever differs; nothing else asks of which kind a job is.
 */
import type { SystemDataModel } from "convex/server";
import { migrationError } from "../failures.js";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { BatchRequest, MigrationResult, OnError } from "../protocol.js";
import type { Rehearsal } from "../status.js";

export type MigrationRow = Doc<"migrations">;
export type RangeRow = Doc<"ranges">;
export type CheckRow = Doc<"checks">;
export type JobRow = MigrationRow | RangeRow | CheckRow;

/** A job of any kind. Its methods change `row`, and `save` stores it. */
export abstract class Job<Row extends JobRow = JobRow> {
  readonly row: Row;

  constructor(row: Row) {
    this.row = row;
  }

  /** The name of the migration that the job is about. */
  abstract readonly name: string;

  /** How many documents a second the job may do; undefined when there is no such limit. */
  abstract readonly rate: number | undefined;

  /** What a batch of the job is for, and which places and documents bound it. */
  abstract request(ctx: MutationCtx): Promise<Pick<BatchRequest, "kind" | "until" | "end" | "ids">>;

  /** Where the next batch begins, after one with this result. */
  placeBehind({ continueCursor }: MigrationResult): string | null {
    return continueCursor;
  }

  /** Records what a batch has done, beside the counters that all jobs have. */
  abstract record(ctx: MutationCtx, result: MigrationResult, rehearsal?: Rehearsal): Promise<void>;

  /** Whether a document that fails is put aside, given what the definition says; otherwise the job fails. */
  abstract putsAside(onError: OnError | undefined): boolean;

  /** Puts a document aside. */
  abstract putAside(ctx: MutationCtx, documentId: string, error: string): Promise<void>;

  /** Schedules the next batch. `splits` are the places at which a first batch would divide the rest. */
  async proceed(ctx: MutationCtx, delayMs: number, _splits?: readonly string[]): Promise<void> {
    await scheduleWorker(ctx, this.row, delayMs);
  }

  /** Records that the job has failed; its row has the error already. */
  abstract fail(ctx: MutationCtx): Promise<void>;

  /** Records that somebody has cancelled the scheduled function itself, which is meant for the whole migration. */
  abstract cancel(ctx: MutationCtx): Promise<void>;

  /** Does what follows when no further batch does, because the job is done or has failed. Its row is stored. */
  abstract end(ctx: MutationCtx): Promise<void>;

  /** Stores the job as it now is. */
  abstract save(ctx: MutationCtx): Promise<void>;
}

/** The migration of that name, or null. */
export async function findMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow | null> {
  return ctx.db
    .query("migrations")
    .withIndex("name", (q) => q.eq("name", name))
    .unique();
}

/** The migration of that name. @throws MIGRATION_NOT_FOUND when there is none */
export async function getMigration(ctx: Pick<QueryCtx, "db">, name: string): Promise<MigrationRow> {
  const row = await findMigration(ctx, name);
  if (row === null) throw migrationError("MIGRATION_NOT_FOUND", `Migration ${name} not found`, { name });
  return row;
}

/** The scheduled function that runs a batch. */
export type Worker = SystemDataModel["_scheduled_functions"]["document"];

/** How long after a worker was scheduled the supervisor looks for it, and how long after that it looks again. */
export const supervisionMs = 30_000;

/** The scheduled function that runs the next batch; null if none was scheduled or it is forgotten. */
export async function workerOf(ctx: Pick<QueryCtx, "db">, row: JobRow): Promise<Worker | null> {
  return row.workerId === undefined ? null : ctx.db.system.get("_scheduled_functions", row.workerId);
}

/** True when a batch is due or running. */
export function isAlive(worker: Worker | null): boolean {
  return worker?.state.kind === "pending" || worker?.state.kind === "inProgress";
}

/** Schedules the next batch, and a supervisor where there is none. */
export async function scheduleWorker(ctx: MutationCtx, row: JobRow, delayMs: number): Promise<void> {
  row.turn = (row.turn ?? 0) + 1;
  row.workerId = await ctx.scheduler.runAfter(delayMs, internal.lib.work, { job: row._id, turn: row.turn });
  row.supervisorId ??= await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, { job: row._id });
}

/** Ends the chain: the worker and the supervisor that are still to come will do nothing. */
export async function dismissWorker(ctx: MutationCtx, row: JobRow): Promise<void> {
  for (const id of [row.workerId, row.supervisorId]) {
    const scheduled = id === undefined ? null : await ctx.db.system.get("_scheduled_functions", id);
    if (scheduled?.state.kind === "pending") await ctx.scheduler.cancel(scheduled._id);
  }
  delete row.supervisorId;
  row.turn = (row.turn ?? 0) + 1;
}
