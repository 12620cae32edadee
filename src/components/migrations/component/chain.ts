/**
 * The chain of workers: each runs one batch in a transaction of its own and schedules the next, and the
 * last one starts what comes after a migration. A worker carries the turn it was scheduled for, so one that
 * was overtaken does nothing. A supervisor looks after the chain: a worker that dies with its batch, of a
 * timeout for instance, cannot record anything itself.
 */
import type { MutationCtx } from "./_generated/server.js";
import { api, internal } from "./_generated/api.js";
import { advance, fail } from "./advance.js";
import { peekDocument } from "./batch_call.js";
import { delayMsAfter } from "./pace.js";
import { isCheck, nameOf, type JobRow, type MigrationRow, type Successor } from "./rows.js";
import { closeRun } from "./run_log.js";
import { findMigration, isAlive, save, workerOf } from "./state.js";

const supervisionMs = 30_000;
/** A batch that kills so many workers, a quarter as large each time, has a document that cannot be migrated. */
const deathsAllowed = 5;

/** Runs a batch now and schedules what follows. With `once` nothing follows. */
export async function step(ctx: MutationCtx, row: JobRow, once: boolean): Promise<void> {
  const [beganAt, before] = [Date.now(), row.processed];
  const goesOn = await advance(ctx, row, once);
  delete row.workerId;
  if (once) return;
  if (goesOn) {
    await scheduleWorker(ctx, row, delayMsAfter(row, row.processed - before, beganAt));
    return;
  }
  await dismiss(ctx, row);
  if (!isCheck(row) && row.isDone) await startNext(ctx, row);
}

/** The scheduled worker's batch, unless the chain has gone on without it. */
export async function work(ctx: MutationCtx, row: JobRow | null, turn: number): Promise<void> {
  if (row === null || row.turn !== turn || row.isDone) return;
  await step(ctx, row, false);
  await save(ctx, row);
}

/** Schedules the next batch, and sees to it that somebody supervises. */
export async function scheduleWorker(ctx: MutationCtx, row: JobRow, delayMs: number): Promise<void> {
  row.turn = (row.turn ?? 0) + 1;
  row.workerId = await ctx.scheduler.runAfter(delayMs, internal.lib.work, { job: row._id, turn: row.turn });
  row.supervisorId ??= await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, { job: row._id });
}

/** Ends the chain: the worker and the supervisor that are still to come will do nothing. */
export async function dismiss(ctx: MutationCtx, row: JobRow): Promise<void> {
  for (const id of [row.workerId, row.supervisorId]) {
    const job = id === undefined ? null : await ctx.db.system.get("_scheduled_functions", id);
    if (job?.state.kind === "pending") await ctx.scheduler.cancel(job._id);
  }
  delete row.supervisorId;
  row.turn = (row.turn ?? 0) + 1;
}

async function startNext(ctx: MutationCtx, row: MigrationRow): Promise<void> {
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
export async function supervise(ctx: MutationCtx, row: JobRow | null): Promise<void> {
  if (row === null || row.supervisorId === undefined || row.isDone) return;
  delete row.supervisorId;
  const worker = await workerOf(ctx, row);
  if (isAlive(worker)) {
    row.supervisorId = await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, { job: row._id });
  } else if (worker?.state.kind === "canceled") {
    row.halted = "canceled";
    if (!isCheck(row)) await closeRun(ctx, row, "canceled");
  } else {
    await revive(ctx, row, worker?.state.kind === "failed" ? worker.state.error : "its worker vanished");
  }
  await save(ctx, row);
}

async function revive(ctx: MutationCtx, row: JobRow, reason: string): Promise<void> {
  row.deaths = (row.deaths ?? 0) + 1;
  const batchSize = row.pace?.batchSize ?? row.batchSize ?? 100;
  if (row.deaths < deathsAllowed) {
    console.warn(`Migration ${nameOf(row)}: a batch of ${batchSize} died (${reason}); trying a smaller one.`);
    row.pace = { batchSize: Math.max(1, Math.floor(batchSize / 4)) };
    await scheduleWorker(ctx, row, 0);
    return;
  }
  const culprit = await peekDocument(ctx, row, reason);
  await fail(ctx, row, culprit?.message ?? reason, culprit?.documentId);
  delete row.deaths;
}
