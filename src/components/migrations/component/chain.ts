/**
 * The chain of workers: each runs one batch in a transaction of its own and schedules the next, and the
 * last one starts what comes after a migration. A worker carries the turn it was scheduled for, so one that
 * was overtaken does nothing. A supervisor looks after the chain: a worker that dies with its batch, of a
 * timeout for instance, cannot record anything itself.
 */
import type { MutationCtx } from "./_generated/server.js";
import { api, internal } from "./_generated/api.js";
import { advance, complete, fail } from "./advance.js";
import { peekDocument } from "./batch_call.js";
import { delayMsAfter } from "./pace.js";
import { openRanges, rangesOf, split, unite } from "./ranges.js";
import {
  isMigration,
  isRange,
  nameOf,
  type JobRow,
  type MigrationRow,
  type RangeRow,
  type Successor,
} from "./rows.js";
import { closeRun } from "./run_log.js";
import { assignmentOf, findMigration, getMigration, isAlive, save, workerOf } from "./state.js";

const supervisionMs = 30_000;
/** A batch that kills so many workers, a quarter as large each time, has a document that cannot be migrated. */
const deathsAllowed = 5;

/** Runs a batch now, schedules what follows, and stores the job. With `once` nothing follows. */
export async function step(ctx: MutationCtx, row: JobRow, once: boolean): Promise<void> {
  const [beganAt, before] = [Date.now(), row.processed];
  const assignment = await assignmentOf(ctx, row);
  const { goesOn, splits } = await advance(ctx, assignment, once);
  const { owner } = assignment;
  // A first batch has learnt the rate only now.
  const { rate } = isMigration(row) ? await assignmentOf(ctx, row) : assignment;
  delete row.workerId;
  if (goesOn && !once) {
    if (splits !== undefined && isMigration(row)) await divide(ctx, row, splits);
    else await scheduleWorker(ctx, row, delayMsAfter(rate, row.processed - before, beganAt));
  } else if (!goesOn) {
    await dismiss(ctx, row);
    if (isMigration(row) && row.isDone && !once) await startNext(ctx, row);
  }
  await save(ctx, row);
  if (isRange(row) && owner !== null && !goesOn) await endRange(ctx, row, owner);
}

/** From here on several ranges have workers of their own, and the migration itself has none. */
async function divide(ctx: MutationCtx, row: MigrationRow, places: string[]): Promise<void> {
  await dismiss(ctx, row);
  for (const range of await split(ctx, row, places)) await startRange(ctx, range);
}

async function startRange(ctx: MutationCtx, range: RangeRow): Promise<void> {
  await scheduleWorker(ctx, range, 0);
  await save(ctx, range);
}

/** One range is done, or has failed, which stops the others. */
async function endRange(ctx: MutationCtx, range: RangeRow, owner: MigrationRow): Promise<void> {
  const { error, errorDocumentId } = range;
  const rest = await openRanges(ctx, owner);
  if (range.isDone && rest.length > 0) return;
  if (range.isDone && range.until !== undefined && owner.reverting === undefined) {
    // The range that is open at its end may have ended long before: documents were inserted since.
    const last = (await rangesOf(ctx, owner)).find(({ until }) => until === undefined);
    if (last !== undefined) return await startRange(ctx, { ...last, isDone: false });
  }
  if (range.isDone) {
    await unite(ctx, owner);
    owner.isDone = true;
    await complete(ctx, owner);
    if (owner.isDone) await startNext(ctx, owner);
  } else if (error !== undefined) {
    owner.error = error;
    if (errorDocumentId !== undefined) owner.errorDocumentId = errorDocumentId;
    await dismissAll(ctx, owner);
    await closeRun(ctx, owner, "failed");
  }
  await save(ctx, owner);
}

/** The scheduled worker's batch, unless the chain has gone on without it. */
export async function work(ctx: MutationCtx, row: JobRow | null, turn: number): Promise<void> {
  if (row === null || row.turn !== turn || row.isDone) return;
  await step(ctx, row, false);
}

/** Schedules the next batch of a migration, or of each of its ranges that is not done. */
export async function scheduleAll(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  if (row.isSplit !== true) return scheduleWorker(ctx, row, 0);
  for (const range of await openRanges(ctx, row)) {
    for (const field of leftoversOfRange) delete range[field];
    await startRange(ctx, range);
  }
}

/** What a range does not take over from an interrupted run. */
const leftoversOfRange = ["pace", "deaths", "error", "errorDocumentId", "failedInARow"] as const;

/** Ends the chain of a migration, or those of all its ranges. */
export async function dismissAll(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  await dismiss(ctx, row);
  for (const range of await openRanges(ctx, row)) {
    await dismiss(ctx, range);
    await save(ctx, range);
  }
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
    await cancelled(ctx, row);
  } else {
    await revive(ctx, row, worker?.state.kind === "failed" ? worker.state.error : "its worker vanished");
  }
  await save(ctx, row);
  if (isRange(row) && row.error !== undefined) {
    await endRange(ctx, row, await getMigration(ctx, row.migration));
  }
}

/** Somebody has cancelled the scheduled function itself: that is meant for the whole migration. */
async function cancelled(ctx: MutationCtx, row: JobRow): Promise<void> {
  const owner = isRange(row) ? await getMigration(ctx, row.migration) : row;
  owner.halted = "canceled";
  if (!isMigration(owner)) return;
  await closeRun(ctx, owner, "canceled");
  if (owner === row) return;
  await dismissAll(ctx, owner);
  await save(ctx, owner);
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
  const culprit = await peekDocument(ctx, await assignmentOf(ctx, row), reason);
  await fail(ctx, row, culprit?.message ?? reason, culprit?.documentId);
  delete row.deaths;
}
