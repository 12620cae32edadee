/** Starting and resuming a migration: what `lib:migrate` does with its arguments. */
import { migrationError } from "../failures.js";
import type { MigrationStatus } from "../status.js";
import type { StartArgs } from "./_generated/component.js";
import type { MutationCtx } from "./_generated/server.js";
import { dismissAll, scheduleAll, startSuccessor, step } from "./chain.js";
import { dryRun } from "./dry_run.js";
import { forgetQuarantine } from "./quarantine.js";
import { forgetRanges, rangesOf } from "./ranges.js";
import type { MigrationRow } from "./rows.js";
import { closeRun, openRun } from "./run_log.js";
import { findMigration, isAlive, save, workerOf } from "./state.js";
import { statusOf } from "./status_of.js";

/**
 * Starts or resumes a migration and runs its first batch; a no-op when it is done, running or paused.
 * Throws MIGRATION_ARGUMENTS, and MIGRATION_BUSY while it is being reverted; for a dry run, what it would do.
 */
export async function start(ctx: MutationCtx, args: StartArgs): Promise<MigrationStatus> {
  validate(args);
  const row = (await findMigration(ctx, args.name)) ?? (await create(ctx, args));
  if (args.dryRun) throw await rehearseStart(ctx, row, args);
  if (await isRunning(ctx, row)) {
    if (!beginsAnew(args)) return statusOf(ctx, row);
    await dismissAll(ctx, row);
    row.halted = "canceled";
  }
  if (row.halted === "paused" && !beginsAnew(args)) return statusOf(ctx, row);
  if (row.reverting !== undefined && !beginsAnew(args)) throw busy(row);

  const continues = args.oneBatchOnly === true && row.run?.isOver === false && args.cursor === row.cursor;
  if (!continues) {
    await closeRun(ctx, row, interruption(row));
    if (place(row, args)) {
      await forgetQuarantine(ctx, row.name, row.epoch ?? 0);
      await forgetRanges(ctx, row);
    }
  }
  if (row.isDone) {
    await startNext(ctx, args);
  } else if (row.isSplit === true) {
    await openRun(ctx, row, args.startedBy);
    await scheduleAll(ctx, row);
  } else {
    if (!continues) await openRun(ctx, row, args.startedBy);
    await step(ctx, row, args.oneBatchOnly === true);
  }
  await save(ctx, row);
  return statusOf(ctx, row);
}

/**
 * A worker that the published component scheduled still has `reset` among its arguments, with the cursor where it goes on:
 * then only the migrations up next begin anew.
 */
function beginsAnew({ reset, cursor }: StartArgs): boolean {
  return reset === true && typeof cursor !== "string";
}

/** How a run ended that nobody closed. */
export function interruption({ halted }: MigrationRow): "canceled" | "died" {
  return halted === "canceled" ? "canceled" : "died";
}

/** The error for what cannot be done while the migration is at something else. */
export function busy({ name, reverting }: MigrationRow): Error {
  const why =
    reverting === undefined
      ? "is running: pause or cancel it first"
      : "is being reverted: resume that, or reset it";
  return migrationError("MIGRATION_BUSY", `Migration ${name} ${why}.`, { name });
}

function validate({ batchSize, maxDocumentsPerSecond, fnHandle }: StartArgs): void {
  if (batchSize !== undefined && !(batchSize > 0)) {
    throw migrationError("MIGRATION_ARGUMENTS", "Batch size must be greater than 0", { batchSize });
  }
  if (maxDocumentsPerSecond !== undefined && !(maxDocumentsPerSecond > 0)) {
    throw migrationError("MIGRATION_ARGUMENTS", "maxDocumentsPerSecond must be greater than 0");
  }
  if (!fnHandle.startsWith("function://")) {
    throw migrationError(
      "MIGRATION_ARGUMENTS",
      "Invalid fnHandle: start migrations with a `migrations.runner` function or by their own name, not with the component's.",
      { fnHandle },
    );
  }
}

async function create(ctx: MutationCtx, { name, cursor }: StartArgs): Promise<MigrationRow> {
  const fresh = { name, cursor: cursor ?? null, isDone: false, processed: 0, latestStart: Date.now() };
  const row = await ctx.db.get("migrations", await ctx.db.insert("migrations", fresh));
  if (row === null) throw new Error("An inserted document can be read in its transaction.");
  return row;
}

async function rehearseStart(ctx: MutationCtx, row: MigrationRow, args: StartArgs): Promise<Error> {
  if (row.reverting !== undefined && !beginsAnew(args)) return busy(row);
  place(row, args);
  return dryRun(ctx, row, async (result) => dryRunStatus(args, await statusOf(ctx, result)));
}

/**
 * True when a worker is due or at work, and is not the caller: a worker that the published component
 * scheduled calls `lib:migrate` itself.
 */
export async function isRunning(ctx: MutationCtx, row: MigrationRow): Promise<boolean> {
  for (const range of await rangesOf(ctx, row)) if (isAlive(await workerOf(ctx, range))) return true;
  const worker = await workerOf(ctx, row);
  if (!isAlive(worker)) return false;
  const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
  return scheduledFunctionId !== row.workerId;
}

/** Puts the job where the arguments want it to begin; true when that is not where it stands. */
function place(row: MigrationRow, args: StartArgs): boolean {
  const { cursor, reset, batchSize, next, onError, maxDocumentsPerSecond } = args;
  const anew = beginsAnew(args);
  const moves = anew || row.halted === "reverted" || (cursor !== undefined && cursor !== row.cursor);
  if (moves) beginAt(row, anew ? null : (cursor ?? null));
  row.fnHandle = args.fnHandle;
  for (const field of [
    ...leftovers,
    "batchSize",
    "next",
    "resetsNext",
    "onError",
    "maxDocumentsPerSecond",
  ] as const) {
    delete row[field];
  }
  if (batchSize !== undefined) row.batchSize = batchSize;
  if (next !== undefined && next.length > 0) row.next = next;
  if (reset === true) row.resetsNext = true;
  if (onError !== undefined) row.onError = onError;
  if (maxDocumentsPerSecond !== undefined) row.maxDocumentsPerSecond = maxDocumentsPerSecond;
  return moves;
}

/** What a new run does not take over from the last. */
export const leftovers = ["pace", "deaths", "halted", "error", "errorDocumentId", "failedInARow"] as const;

/** Puts the job at a cursor, with nothing behind it. */
export function beginAt(row: MigrationRow, cursor: string | null): void {
  row.cursor = cursor;
  row.isDone = false;
  row.latestStart = Date.now();
  row.epoch = (row.epoch ?? 0) + 1;
  row.processed = 0;
  for (const field of ["latestEnd", "range", "total", "skipped", "failed", "batches", "reverting"] as const) {
    delete row[field];
  }
}

async function startNext(ctx: MutationCtx, { next, reset, batchSize }: StartArgs): Promise<void> {
  if (next === undefined || next.length === 0) return;
  const successor = await startSuccessor(ctx, next, reset === true, batchSize);
  if (successor === null) console.info("The migrations up next are done already.");
}

function dryRunStatus({ batchSize, next }: StartArgs, status: MigrationStatus): MigrationStatus {
  return {
    ...status,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(next === undefined ? {} : { next: next.map(({ name }) => name) }),
  };
}
