/** A migration's job as others see it. */
import type { MigrationState, MigrationStatus } from "../protocol.js";
import type { QueryCtx } from "./_generated/server.js";
import type { MigrationRow } from "./rows.js";
import { documentsPerSecond } from "./run_log.js";
import { isAlive, workerOf, type Worker } from "./state.js";

/** The status of a job, from its document and its worker. */
export async function statusOf(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<MigrationStatus> {
  const worker = row.isDone ? null : await workerOf(ctx, row);
  const state = stateOf(row, worker);
  const rate = documentsPerSecond(row);
  const total = totalOf(row);
  const left = total === null ? null : total - row.processed;
  const status: MigrationStatus = {
    name: row.name,
    cursor: row.isDone ? null : row.cursor,
    processed: row.processed,
    isDone: row.isDone,
    state,
    latestStart: row.latestStart,
    total,
    skipped: row.skipped ?? 0,
    documentsPerSecond: rate,
    remainingMs: state === "inProgress" && left !== null && rate ? Math.round((left / rate) * 1000) : null,
  };
  const error = row.error ?? errorOf(state, worker);
  if (row.latestEnd !== undefined) status.latestEnd = row.latestEnd;
  if (error !== undefined) status.error = error;
  if (row.errorDocumentId !== undefined) status.errorDocumentId = row.errorDocumentId;
  if (!row.isDone && row.batchSize !== undefined) status.batchSize = row.batchSize;
  if (!row.isDone && row.next !== undefined) status.next = row.next.map(({ name }) => name);
  if (row.run?.startedBy !== undefined) status.startedBy = row.run.startedBy;
  return status;
}

/** The status of a migration that was never started. */
export function unknownStatus(name: string): MigrationStatus {
  return { name, cursor: null, processed: 0, isDone: false, state: "unknown", latestStart: 0 };
}

function stateOf(row: MigrationRow, worker: Worker | null): MigrationState {
  if (row.isDone) return "success";
  if (row.error !== undefined || worker?.state.kind === "failed") return "failed";
  if (row.halted !== undefined || worker?.state.kind === "canceled") return "canceled";
  return isAlive(worker) ? "inProgress" : "unknown";
}

function errorOf(state: MigrationState, worker: Worker | null): string | undefined {
  return state === "failed" && worker?.state.kind === "failed" ? worker.state.error : undefined;
}

/** Documents may be inserted while it runs, so what it has met bounds the count from below. */
function totalOf(row: MigrationRow): number | null {
  if (row.isDone) return row.processed;
  return typeof row.total === "number" ? Math.max(row.total, row.processed) : null;
}
