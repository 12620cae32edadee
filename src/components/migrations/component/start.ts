/** Starting and resuming a migration: what `lib:migrate` does with its arguments. */
import { migrationError } from "../failures.js";
import type { MigrationStatus } from "../protocol.js";
import type { StartArgs } from "./_generated/component.js";
import type { MutationCtx } from "./_generated/server.js";
import { dismiss, save, startSuccessor, step } from "./chain.js";
import { dryRun } from "./dry_run.js";
import type { MigrationRow } from "./rows.js";
import { closeRun, openRun } from "./run_log.js";
import { findMigration, isAlive, workerOf } from "./state.js";
import { statusOf } from "./status.js";

/**
 * Starts or resumes a migration and runs its first batch; a no-op when it is done or running.
 * Throws MIGRATION_ARGUMENTS; for a dry run, what it would do.
 */
export async function start(ctx: MutationCtx, args: StartArgs): Promise<MigrationStatus> {
  validate(args);
  const row = (await findMigration(ctx, args.name)) ?? (await create(ctx, args));
  if (await isRunning(ctx, row)) {
    if (args.reset !== true) return statusOf(ctx, row);
    await dismiss(ctx, row);
    row.halted = "canceled";
  }
  const continues = args.oneBatchOnly === true && row.run?.isOver === false && args.cursor === row.cursor;
  if (!continues) {
    await closeRun(ctx, row, row.halted ?? "died");
    place(row, args);
  }
  if (args.dryRun)
    throw await dryRun(ctx, row, async (result) => dryRunStatus(args, await statusOf(ctx, result)));

  if (row.isDone) {
    await startNext(ctx, args);
  } else {
    if (!continues) await openRun(ctx, row, args.startedBy);
    await step(ctx, row, args.oneBatchOnly === true);
  }
  await save(ctx, row);
  return statusOf(ctx, row);
}

function validate({ batchSize, fnHandle }: StartArgs): void {
  if (batchSize !== undefined && !(batchSize > 0)) {
    throw migrationError("MIGRATION_ARGUMENTS", "Batch size must be greater than 0", { batchSize });
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

/**
 * True when a worker is due or at work, and is not the caller: a worker that the published component
 * scheduled calls `lib:migrate` itself.
 */
async function isRunning(ctx: MutationCtx, row: MigrationRow): Promise<boolean> {
  const worker = await workerOf(ctx, row);
  if (!isAlive(worker)) return false;
  const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
  return scheduledFunctionId !== row.workerId;
}

/** Puts the job where the arguments want it to begin. */
function place(row: MigrationRow, args: StartArgs): void {
  const { cursor, reset, batchSize, next } = args;
  if (reset === true || (cursor !== undefined && cursor !== row.cursor)) {
    row.cursor = reset === true ? null : (cursor ?? null);
    row.isDone = false;
    row.latestStart = Date.now();
    row.processed = 0;
    row.skipped = 0;
    delete row.latestEnd;
    delete row.range;
    delete row.total;
  }
  row.fnHandle = args.fnHandle;
  for (const field of [
    "pace",
    "deaths",
    "batchSize",
    "next",
    "resetsNext",
    "halted",
    "error",
    "errorDocumentId",
  ] as const) {
    delete row[field];
  }
  if (batchSize !== undefined) row.batchSize = batchSize;
  if (next !== undefined && next.length > 0) row.next = next;
  if (reset === true) row.resetsNext = true;
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
