/**
 * One call of the migration function: a nested transaction that commits or leaves nothing. It gets a share
 * of what this transaction may still use, so that the component can always record what came of it and try
 * again with less. What comes back is sorted by what can be done about it.
 */
import type { FunctionHandle, TransactionLimits, TransactionMetrics } from "convex/server";
import type { MutationCtx } from "../_generated/server.js";
import { dryRunData, isLimitError, messageOf, migrationErrorData } from "../failures.js";
import type { Job } from "../jobs/job.js";
import type { BatchRequest, MigrationArgs, MigrationResult, OnError } from "../protocol.js";
import type { Rehearsal } from "../status.js";

export type MigrationFunctionHandle = FunctionHandle<"mutation", MigrationArgs, MigrationResult>;

/** A document that failed: it stood at `position` of the batch, and `skipCursor` is behind it. */
export interface Culprit {
  readonly documentId: string;
  readonly message: string;
  readonly position: number;
  readonly skipCursor: string | null;
  readonly onError: OnError | undefined;
}

/** A batch that left nothing. `isLimit` tells that it wanted more than its transaction may use. */
export type Failure =
  | { kind: "document"; message: string; isLimit: boolean; culprit: Culprit }
  /** So many documents would fit. */
  | { kind: "tooLarge"; message: string; isLimit: true; culprit?: never; fits: number }
  /** It failed, but not at a document. */
  | { kind: "batch"; message: string; isLimit: boolean; culprit?: never }
  /** The definition or the arguments are wrong; a smaller batch will not help. */
  | { kind: "refused"; message: string; isLimit: false; culprit?: never };

export type Outcome = { kind: "done"; result: MigrationResult; rehearsal?: Rehearsal } | Failure;

/** A batch ends early when it has run this long; Convex stops a mutation after a second. */
const timeLimitMs = 500;
const usualShare = 0.6;
const wholeShare = 0.95;

/** Runs the next batch, of the size that the job's pace has. */
export async function callBatch(ctx: MutationCtx, job: Job): Promise<Outcome> {
  try {
    const request = await job.request(ctx);
    const first = job.row.total === undefined ? { first: true } : {};
    const result = await call(ctx, job, { ...request, ...first }, job.row.pace?.batchSize);
    return { kind: "done", result };
  } catch (error) {
    return outcomeOf(error);
  }
}

/** The document that the next batch begins with; null if that cannot be read. */
export async function peekDocument(ctx: MutationCtx, job: Job, message: string): Promise<Culprit | null> {
  try {
    const request = await job.request(ctx);
    const result = await call(ctx, job, { ...request, kind: "peek" }, 1);
    const { documentId, continueCursor, policy } = result;
    if (documentId === undefined) return null;
    const named = `Document ${documentId} failed: ${message}`;
    return { documentId, message: named, position: 0, skipCursor: continueCursor, onError: policy?.onError };
  } catch {
    return null;
  }
}

/** Migrates one document by its id, wherever the job stands. Resolves with null, or why it failed. */
export async function callForDocument(
  ctx: MutationCtx,
  job: Job,
  documentId: string,
): Promise<string | null> {
  try {
    await call(ctx, job, { kind: "retry", ids: [documentId] }, 1);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

async function call(
  ctx: MutationCtx,
  { row, rate }: Job,
  request: BatchRequest,
  size: number | undefined,
): Promise<MigrationResult> {
  const job: BatchRequest = { ...request, timeLimitMs };
  if (size !== undefined) job.batchSize = size;
  if (row.range !== undefined) job.range = row.range;
  if (rate !== undefined) job.maxDocumentsPerSecond = rate;
  const dryRun = request.kind === "rehearse";
  const args: MigrationArgs = { cursor: row.cursor, oneBatchOnly: true, dryRun, job };
  if (row.batchSize !== undefined) args.batchSize = row.batchSize;
  const share = row.pace?.alone === true ? wholeShare : usualShare;
  const limits = shareOf(await ctx.meta.getTransactionMetrics(), share);
  return ctx.runMutation(row.fnHandle as MigrationFunctionHandle, args, { transactionLimits: limits });
}

/** The limits for a nested transaction that may use this share of what is left. */
function shareOf(metrics: TransactionMetrics, share: number): TransactionLimits {
  const limits: Partial<Record<keyof TransactionMetrics, number>> = {};
  for (const metric of Object.keys(metrics) as (keyof TransactionMetrics)[]) {
    const { remaining } = metrics[metric];
    if (Number.isFinite(remaining)) limits[metric] = Math.max(1, Math.floor(remaining * share));
  }
  return limits;
}

function outcomeOf(error: unknown): Outcome {
  const rehearsed = dryRunData(error);
  if (rehearsed !== null) {
    const { result, rehearsal } = rehearsed as unknown as { result: MigrationResult; rehearsal: Rehearsal };
    return { kind: "done", result, rehearsal };
  }
  const data = migrationErrorData(error);
  const message = messageOf(error);
  if (data === null) return { kind: "batch", message, isLimit: isLimitError(error) };
  const { documentId, position, skipCursor, isLimit, onError } = data;
  if (data.code === "MIGRATION_DOCUMENT_FAILED" && typeof documentId === "string") {
    const culprit: Culprit = {
      documentId,
      message,
      position: Number(position),
      skipCursor: typeof skipCursor === "string" ? skipCursor : null,
      onError: onError === "stop" || onError === "quarantine" ? onError : undefined,
    };
    return { kind: "document", message, isLimit: isLimit === true, culprit };
  }
  if (data.code === "MIGRATION_BATCH_TOO_LARGE") {
    return { kind: "tooLarge", message, isLimit: true, fits: Number(data["fits"]) };
  }
  return { kind: "refused", message, isLimit: false };
}
