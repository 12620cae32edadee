/**
 * The chain of workers: each runs one batch in a transaction of its own and schedules the next, and the
 * last one starts what comes after the migration. A worker carries the turn it was scheduled for, so one
 * that was overtaken does nothing. A supervisor looks after the chain: a worker that dies with its batch,
 * of a timeout for instance, cannot record anything itself.
 */
import type { MutationCtx } from "./_generated/server.js";
import { api, internal } from "./_generated/api.js";
import { advance } from "./advance.js";
import { peekDocument } from "./batch_call.js";
import type { MigrationRow, Successor } from "./rows.js";
import { closeRun } from "./run_log.js";
import { findMigration, isAlive, workerOf } from "./state.js";

const supervisionMs = 30_000;
/** A batch that kills so many workers, a quarter as large each time, has a document that cannot be migrated. */
const deathsAllowed = 5;

/** Runs a batch now and schedules what follows. With `once` nothing follows. */
export async function step(ctx: MutationCtx, row: MigrationRow, once: boolean): Promise<void> {
  await advance(ctx, row, once);
  delete row.workerId;
  if (once) return;
  if (row.error !== undefined) await dismiss(ctx, row);
  else if (row.isDone) await finish(ctx, row);
  else await scheduleWorker(ctx, row);
}

/** The scheduled worker's batch, unless the chain has gone on without it. */
export async function work(ctx: MutationCtx, row: MigrationRow | null, turn: number): Promise<void> {
  if (row === null || row.turn !== turn || row.isDone) return;
  await step(ctx, row, false);
  await save(ctx, row);
}

/** Schedules the next batch, and sees to it that somebody supervises. */
export async function scheduleWorker(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  row.turn = (row.turn ?? 0) + 1;
  row.workerId = await ctx.scheduler.runAfter(0, internal.lib.work, { migration: row._id, turn: row.turn });
  row.supervisorId ??= await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, {
    migration: row._id,
  });
}

/** Ends the chain: the worker and the supervisor that are still to come will do nothing. */
export async function dismiss(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  for (const id of [row.workerId, row.supervisorId]) {
    const job = id === undefined ? null : await ctx.db.system.get("_scheduled_functions", id);
    if (job?.state.kind === "pending") await ctx.scheduler.cancel(job._id);
  }
  delete row.supervisorId;
  row.turn = (row.turn ?? 0) + 1;
}

/** Stores the job as it now is. */
export async function save(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  await ctx.db.replace("migrations", row._id, row);
}

async function finish(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  await dismiss(ctx, row);
  const successor = await startSuccessor(ctx, row.next ?? [], row.resetsNext === true, row.batchSize);
  console.info(`Migration ${row.name} is done.${successor === null ? "" : ` Next: ${successor}`}`);
}

/**
 * Starts the first of `next` that is not done (with `reset`: the first) and leaves the others to it.
 * Resolves with its name, null when there is none.
 */
export async function startSuccessor(
  ctx: MutationCtx,
  next: readonly Successor[],
  reset: boolean,
  batchSize: number | undefined,
): Promise<string | null> {
  for (const [i, { name, fnHandle }] of next.entries()) {
    const found = await findMigration(ctx, name);
    if (found?.isDone === true && !reset) continue;
    await ctx.scheduler.runAfter(0, api.lib.migrate, {
      name,
      fnHandle,
      dryRun: false,
      next: next.slice(i + 1),
      ...(batchSize === undefined ? {} : { batchSize }),
      ...(reset ? { reset, cursor: null } : {}),
    });
    return name;
  }
  return null;
}

/** Revives a chain whose worker died, with a smaller batch, or gives up on it. */
export async function supervise(ctx: MutationCtx, row: MigrationRow | null): Promise<void> {
  if (row === null || row.supervisorId === undefined || row.isDone) return;
  delete row.supervisorId;
  const worker = await workerOf(ctx, row);
  if (isAlive(worker)) {
    row.supervisorId = await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, {
      migration: row._id,
    });
  } else if (worker?.state.kind === "canceled") {
    row.halted = "canceled";
    await closeRun(ctx, row, "canceled");
  } else {
    await revive(ctx, row, worker?.state.kind === "failed" ? worker.state.error : "its worker vanished");
  }
  await save(ctx, row);
}

async function revive(ctx: MutationCtx, row: MigrationRow, reason: string): Promise<void> {
  row.deaths = (row.deaths ?? 0) + 1;
  const batchSize = row.pace?.batchSize ?? row.batchSize ?? 100;
  if (row.deaths < deathsAllowed) {
    console.warn(`Migration ${row.name}: a batch of ${batchSize} died (${reason}); trying a smaller one.`);
    row.pace = { batchSize: Math.max(1, Math.floor(batchSize / 4)) };
    await scheduleWorker(ctx, row);
    return;
  }
  const culprit = await peekDocument(ctx, row);
  row.error = culprit === null ? reason : `Document ${culprit.documentId} failed: ${reason}`;
  if (culprit !== null) row.errorDocumentId = culprit.documentId;
  delete row.deaths;
  await closeRun(ctx, row, "failed");
}
