/** Starting and resuming a migration, also for a dry run: what `lib:migrate` does with its arguments. */
import { ConvexError, type Value } from "convex/values";
import type { MutationCtx } from "../_generated/server.js";
import type { MigrationFunctionHandle } from "../batches/batch_call.js";
import { step } from "../batches/chain.js";
import { dryRunData, messageOf, migrationError } from "../failures.js";
import { given } from "../given.js";
import { findMigration, isAlive, workerOf, type MigrationRow } from "../jobs/job.js";
import { MigrationJob, startSuccessor } from "../jobs/migration_jobs.js";
import { forgetQuarantine } from "../jobs/quarantine.js";
import { dismissAll, forgetRanges, rangesOf, scheduleAll } from "../jobs/ranges.js";
import { closeRun, openRun } from "../jobs/runs.js";
import type { MigrationArgs, MigrationResult, StartArgs } from "../protocol.js";
import type { MigrationStatus } from "../status.js";
import { statusOf } from "./status_of.js";

/**
 * Starts or resumes a migration and runs its first batch. Does nothing when the migration is done, running or paused. A dry run
 * throws a ConvexError with what it would do, so that its transaction rolls back.
 * @throws MIGRATION_ARGUMENTS when an argument is out of its range
 * @throws MIGRATION_BUSY while the migration is being reverted
 */
export async function start(ctx: MutationCtx, args: StartArgs): Promise<MigrationStatus> {
  validate(args);
  const row = (await findMigration(ctx, args.name)) ?? (await create(ctx, args));
  if (args.dryRun) throw await dryRun(ctx, row, args);
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
    await step(ctx, new MigrationJob(row), args.oneBatchOnly === true);
  }
  await ctx.db.replace("migrations", row._id, row);
  return statusOf(ctx, row);
}

/**
 * A worker that the published component scheduled still has `reset` among its arguments, with the cursor where it goes on:
 * then only the migrations up next begin anew.
 */
function beginsAnew({ reset, cursor }: StartArgs): boolean {
  return reset === true && typeof cursor !== "string";
}

/** The outcome of a run that nobody has closed. */
export function interruption({ halted }: MigrationRow): "canceled" | "died" {
  return halted === "canceled" ? "canceled" : "died";
}

/** The error MIGRATION_BUSY, for what cannot be done while the migration runs or is being reverted. */
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

/** Runs a batch that is rolled back. Resolves with the error to throw, whose data has the status it would reach. */
async function dryRun(ctx: MutationCtx, row: MigrationRow, args: StartArgs): Promise<Error> {
  if (row.reverting !== undefined && !beginsAnew(args)) return busy(row);
  place(row, args);
  const rehearsal = row.isDone ? undefined : await rehearse(ctx, row);
  const { batchSize } = args;
  const next = args.next?.map(({ name }) => name);
  const status: MigrationStatus = { ...(await statusOf(ctx, row)), ...given({ batchSize, next }) };
  return new ConvexError<Value>({ kind: "DRY RUN", status, ...given({ rehearsal }) });
}

/** Runs the next batch for trial, and puts into the row what it would come to. Resolves with what it found. */
async function rehearse(ctx: MutationCtx, row: MigrationRow): Promise<Value | undefined> {
  const { cursor, batchSize } = row;
  const args: MigrationArgs = { cursor, oneBatchOnly: true, dryRun: true, ...given({ batchSize }) };
  try {
    await ctx.runMutation(row.fnHandle as MigrationFunctionHandle, args);
    return undefined;
  } catch (error) {
    const found = dryRunData(error);
    if (found === null) {
      row.error = messageOf(error);
      return undefined;
    }
    const { continueCursor, isDone, processed } = found["result"] as MigrationResult;
    row.cursor = continueCursor;
    row.isDone = isDone;
    row.processed += processed;
    if (isDone) row.latestEnd ??= Date.now();
    return found["rehearsal"] as Value | undefined;
  }
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

/** Puts the job where the arguments want it to begin. Returns true when that is not where it stands. */
function place(row: MigrationRow, args: StartArgs): boolean {
  const { cursor, reset, batchSize, next, onError, maxDocumentsPerSecond } = args;
  const anew = beginsAnew(args);
  const moves = anew || row.halted === "reverted" || (cursor !== undefined && cursor !== row.cursor);
  if (moves) beginAt(row, anew ? null : (cursor ?? null));
  for (const field of [...leftovers, ...overridden] as const) delete row[field];
  Object.assign(
    row,
    given({
      fnHandle: args.fnHandle,
      batchSize,
      next: next?.length === 0 ? undefined : next,
      resetsNext: reset === true ? true : undefined,
      onError,
      maxDocumentsPerSecond,
    }),
  );
  return moves;
}

/** The fields that a start sets or takes away. */
const overridden = ["batchSize", "next", "resetsNext", "onError", "maxDocumentsPerSecond"] as const;

/** The fields that a new run does not take over from the last. */
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
