/**
 * The chain of workers: each runs one batch of a job in a transaction of its own and schedules the next, and the last
 * one does what follows when the job ends. A batch that fails is tried again with fewer documents, in the same
 * transaction while there is room and by the next worker otherwise, until it either goes through or consists of the one
 * document that cannot be migrated. A worker carries the turn it was scheduled for, so one that was overtaken does
 * nothing. A supervisor looks after the chain, because a worker that dies with its batch, of a timeout for instance,
 * cannot record anything itself.
 */
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { CheckJob } from "../jobs/check_job.js";
import {
  dismissWorker,
  getMigration,
  isAlive,
  supervisionMs,
  workerOf,
  type Job,
  type JobRow,
} from "../jobs/job.js";
import { MigrationJob, rangeJob } from "../jobs/migration_jobs.js";
import { callBatch, peekDocument, type Failure } from "./batch_call.js";
import { delayMsAfter, paceAfter, smallerBatch } from "./pace.js";

/** Halving leads from the largest batch down to one document in so many tries. */
const tries = 14;
/** When more documents in a row fail, they are not to blame: the migration is. */
const failuresAllowed = 100;
/** A batch that kills so many workers, a quarter as large each time, has a document that cannot be migrated. */
const deathsAllowed = 5;

/** The job of a row. Its kind is found out here, by fields that only one kind has, and nowhere else. */
async function jobOf(ctx: MutationCtx, row: JobRow): Promise<Job> {
  if ("name" in row) return new MigrationJob(row);
  if ("findings" in row) return new CheckJob(row);
  return rangeJob(ctx, row, await getMigration(ctx, row.migration));
}

/** Does the work of the scheduled worker, unless the chain has gone on without it. */
export async function work(ctx: MutationCtx, id: JobRow["_id"], turn: number): Promise<void> {
  const row = await ctx.db.get(id);
  if (row === null || row.turn !== turn || row.isDone) return;
  await step(ctx, await jobOf(ctx, row), false);
}

/** Runs a batch of the job, schedules what follows, and stores the job. With `isLast` nothing follows. */
export async function step(ctx: MutationCtx, job: Job, isLast: boolean): Promise<void> {
  const { row } = job;
  const [beganAt, before] = [Date.now(), row.processed];
  const { goesOn, splits } = await advance(ctx, job, isLast);
  delete row.workerId;
  if (!goesOn) {
    await dismissWorker(ctx, row);
  } else if (!isLast) {
    // A first batch has learnt the rate only now.
    await job.proceed(ctx, delayMsAfter(job.rate, row.processed - before, beganAt), splits);
  }
  await job.save(ctx);
  if (!goesOn && !isLast) await job.end(ctx);
}

/** Whether another batch follows, and the places at which the first one would divide the rest. */
interface Advance {
  readonly goesOn: boolean;
  readonly splits?: readonly string[] | undefined;
}

/**
 * Runs one batch and records in the job's row what came of it. With `isLast` no worker will follow, so it tries on
 * in this transaction where it would otherwise leave that to the next.
 */
async function advance(ctx: MutationCtx, job: Job, isLast: boolean): Promise<Advance> {
  const { row } = job;
  for (let attempt = 1; ; attempt++) {
    const batchSize = row.pace?.batchSize;
    const outcome = await callBatch(ctx, job);
    if (outcome.kind === "done") {
      const { result, rehearsal } = outcome;
      row.pace = paceAfter(row.pace ?? {}, result, job.rate !== undefined);
      row.cursor = job.placeBehind(result);
      row.isDone = result.isDone;
      row.processed += result.processed;
      row.skipped = (row.skipped ?? 0) + (result.skipped ?? 0);
      row.batches = (row.batches ?? 0) + 1;
      if (result.range !== undefined) row.range = result.range;
      if (result.total !== undefined) row.total = result.total;
      for (const field of ["error", "errorDocumentId", "deaths", "failedInARow"] as const) delete row[field];
      await job.record(ctx, result, rehearsal);
      return { goesOn: !result.isDone, splits: result.splits };
    }
    const smaller = attempt < tries ? smallerBatch(outcome, batchSize, job) : null;
    if (smaller === null) return { goesOn: await passOver(ctx, job, outcome, batchSize) };
    row.pace = smaller;
    // Reads of a failed attempt count all the same: a fresh transaction has more room.
    if (!isLast && outcome.isLimit) return { goesOn: true };
  }
}

/** Puts aside the one document of a batch that cannot go through, or ends the job. Resolves with whether the job goes on. */
async function passOver(
  ctx: MutationCtx,
  job: Job,
  outcome: Failure,
  batchSize: number | undefined,
): Promise<boolean> {
  const { row } = job;
  const culprit =
    outcome.kind === "batch" && batchSize === 1
      ? await peekDocument(ctx, job, outcome.message)
      : (outcome.culprit ?? null);
  if (culprit === null) return fail(ctx, job, outcome.message, undefined);
  const { documentId, message, position, skipCursor, onError } = culprit;
  if (skipCursor === null || position > 0 || !job.putsAside(onError)) {
    return fail(ctx, job, message, documentId);
  }
  row.failedInARow = (row.failedInARow ?? 0) + 1;
  if (row.failedInARow > failuresAllowed) {
    return fail(ctx, job, `${failuresAllowed} documents in a row failed. ${message}`, documentId);
  }
  await job.putAside(ctx, documentId, message);
  row.cursor = skipCursor;
  row.processed += 1;
  row.failed = (row.failed ?? 0) + 1;
  return true;
}

/** Ends the job with an error. Starting or resuming it tries the same batch again. Resolves with false: it does not go on. */
async function fail(
  ctx: MutationCtx,
  job: Job,
  message: string,
  documentId: string | undefined,
): Promise<false> {
  job.row.error = message;
  if (documentId === undefined) delete job.row.errorDocumentId;
  else job.row.errorDocumentId = documentId;
  console.error(`Migration ${job.name} failed: ${message}`);
  await job.fail(ctx);
  return false;
}

/** Looks whether the worker of a job is alive. Revives a chain whose worker died, or gives up on it. */
export async function supervise(ctx: MutationCtx, id: JobRow["_id"]): Promise<void> {
  const row = await ctx.db.get(id);
  if (row === null || row.supervisorId === undefined || row.isDone) return;
  delete row.supervisorId;
  const job = await jobOf(ctx, row);
  const worker = await workerOf(ctx, row);
  if (isAlive(worker)) {
    row.supervisorId = await ctx.scheduler.runAfter(supervisionMs, internal.lib.supervise, { job: row._id });
  } else if (worker?.state.kind === "canceled") {
    await job.cancel(ctx);
  } else {
    await revive(ctx, job, worker?.state.kind === "failed" ? worker.state.error : "its worker vanished");
  }
  await job.save(ctx);
  if (row.error !== undefined) await job.end(ctx);
}

/** Schedules a worker with a smaller batch; after too many deaths the job fails. */
async function revive(ctx: MutationCtx, job: Job, reason: string): Promise<void> {
  const { row } = job;
  row.deaths = (row.deaths ?? 0) + 1;
  const batchSize = row.pace?.batchSize ?? row.batchSize ?? 100;
  if (row.deaths < deathsAllowed) {
    console.warn(`Migration ${job.name}: a batch of ${batchSize} died (${reason}); trying a smaller one.`);
    row.pace = { batchSize: Math.max(1, Math.floor(batchSize / 4)) };
    await job.proceed(ctx, 0);
    return;
  }
  const culprit = await peekDocument(ctx, job, reason);
  await fail(ctx, job, culprit?.message ?? reason, culprit?.documentId);
  delete row.deaths;
}
