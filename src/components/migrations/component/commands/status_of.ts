/** A migration's job and a check as others see them. */
import type { QueryCtx } from "../_generated/server.js";
import { given } from "../given.js";
import {
  isAlive,
  workerOf,
  type CheckRow,
  type MigrationRow,
  type RangeRow,
  type Worker,
} from "../jobs/job.js";
import { MigrationJob } from "../jobs/migration_jobs.js";
import { addedUp, rangesOf } from "../jobs/ranges.js";
import { documentsPerSecond } from "../jobs/runs.js";
import type { CheckStatus, MigrationState, MigrationStatus } from "../status.js";

/** The status of a migration, from its job and its worker. */
export async function statusOf(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<MigrationStatus> {
  const ranges = await rangesOf(ctx, row);
  const open = ranges.filter(({ isDone }) => !isDone);
  const worker = row.isDone ? null : await workerOfAny(ctx, [row, ...open]);
  const state = stateOf(row, worker);
  const rate = documentsPerSecond(row, ranges);
  const { processed, skipped, failed } = addedUp(row, ranges);
  const total = totalOf({ ...row, processed });
  const left = total === null ? null : total - processed;
  return {
    name: row.name,
    cursor: row.isDone ? null : row.cursor,
    processed,
    isDone: row.isDone,
    state,
    latestStart: row.latestStart,
    total,
    skipped,
    failed,
    documentsPerSecond: rate,
    remainingMs: state === "inProgress" && left !== null && rate ? Math.round((left / rate) * 1000) : null,
    ...given({
      latestEnd: row.latestEnd,
      error: row.error ?? deathOf(worker),
      errorDocumentId: row.errorDocumentId,
      batchSize: row.isDone ? undefined : row.batchSize,
      next: row.isDone ? undefined : row.next?.map(({ name }) => name),
      ranges: open.length > 0 ? open.length : undefined,
      startedBy: row.run?.startedBy,
      isReverting: row.reverting === undefined ? undefined : true,
      onError: row.onError ?? row.policy?.onError,
      maxDocumentsPerSecond: new MigrationJob(row).rate,
    }),
  };
}

/** Of the workers of the jobs, one that is due or at work; otherwise one that died, otherwise any. */
async function workerOfAny(
  ctx: Pick<QueryCtx, "db">,
  jobs: readonly (MigrationRow | RangeRow)[],
): Promise<Worker | null> {
  const workers = await Promise.all(jobs.map((job) => workerOf(ctx, job)));
  const failed = workers.find((worker) => worker?.state.kind === "failed");
  return workers.find(isAlive) ?? failed ?? workers.find((worker) => worker !== null) ?? null;
}

/** The status of a migration that was never started. */
export function unknownStatus(name: string): MigrationStatus {
  return { name, cursor: null, processed: 0, isDone: false, state: "unknown", latestStart: 0 };
}

function stateOf(row: MigrationRow, worker: Worker | null): MigrationState {
  if (row.isDone) return "success";
  if (row.error !== undefined || worker?.state.kind === "failed") return "failed";
  if (row.halted !== undefined) return row.halted;
  if (worker?.state.kind === "canceled") return "canceled";
  return isAlive(worker) ? "inProgress" : "unknown";
}

function deathOf(worker: Worker | null): string | undefined {
  return worker?.state.kind === "failed" ? worker.state.error : undefined;
}

/** Documents may be inserted while it runs, so what it has met bounds the count from below. */
function totalOf(row: MigrationRow | CheckRow): number | null {
  if (row.isDone) return row.processed;
  return typeof row.total === "number" ? Math.max(row.total, row.processed) : null;
}

/** The status of a check. */
export async function checkStatusOf(ctx: Pick<QueryCtx, "db">, row: CheckRow): Promise<CheckStatus> {
  const worker = row.isDone ? null : await workerOf(ctx, row);
  const { migration, startedAt, startedBy, endedAt, processed, errorDocumentId, failed = 0, failures } = row;
  const common = {
    migration,
    state: checkStateOf(row, worker),
    startedAt,
    processed,
    total: totalOf(row),
    failed,
    failures,
    ...given({ startedBy, endedAt, error: row.error ?? deathOf(worker), errorDocumentId }),
  };
  const { findings } = row;
  return "violated" in findings
    ? { ...common, kind: "verify", findings }
    : { ...common, kind: "rehearse", findings };
}

function checkStateOf(row: CheckRow, worker: Worker | null): CheckStatus["state"] {
  if (row.isDone) return "done";
  if (row.error !== undefined || worker?.state.kind === "failed") return "failed";
  return isAlive(worker) ? "inProgress" : "canceled";
}
