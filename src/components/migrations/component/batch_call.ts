/**
 * One call of the migration function: a nested transaction that commits or leaves nothing. It gets a share
 * of what this transaction may still use, so that the component can always record what came of it and try
 * again with less. What comes back is sorted by what can be done about it.
 */
import type { FunctionHandle, TransactionLimits, TransactionMetrics } from "convex/server";
import { dryRunData, isLimitError, messageOf, migrationErrorData } from "../failures.js";
import type { Job, JobKind, MigrationArgs, MigrationResult, OnError } from "../protocol.js";
import type { Rehearsal } from "../status.js";
import type { MutationCtx } from "./_generated/server.js";
import { quarantinedIds } from "./quarantine.js";
import { isCheck, isRange } from "./rows.js";
import type { Assignment } from "./state.js";

export type MigrationFunctionHandle = FunctionHandle<"mutation", MigrationArgs, MigrationResult>;

/** A document that failed: it stood at `position` of the batch, `skipCursor` is behind it. */
export type Culprit = {
  documentId: string;
  message: string;
  position: number;
  skipCursor: string | null;
  onError: OnError | undefined;
};

export type Outcome =
  | { kind: "done"; result: MigrationResult; rehearsal?: Rehearsal }
  | { kind: "document"; message: string; culprit: Culprit; isLimit: boolean }
  /** So many documents would fit. */
  | { kind: "tooLarge"; message: string; fits: number }
  /** It failed, but not at a document. */
  | { kind: "batch"; message: string; isLimit: boolean }
  /** The definition or the arguments are wrong; less will not help. */
  | { kind: "refused"; message: string };

/** A batch ends early when it has run this long; Convex stops a mutation after a second. */
const timeLimitMs = 500;
const usualShare = 0.6;
const wholeShare = 0.95;

/** Runs the next batch, of the size that the job's pace has. */
export async function callBatch(ctx: MutationCtx, assignment: Assignment): Promise<Outcome> {
  const { row } = assignment;
  try {
    const asked = row.total === undefined ? { first: true } : {};
    const result = await call(ctx, assignment, kindOf(assignment), row.pace?.batchSize, asked);
    return { kind: "done", result };
  } catch (error) {
    return outcomeOf(error);
  }
}

/** The document that the next batch begins with; null if that cannot be read. */
export async function peekDocument(
  ctx: MutationCtx,
  assignment: Assignment,
  message: string,
): Promise<Culprit | null> {
  try {
    const { documentId, continueCursor, policy } = await call(ctx, assignment, "peek", 1, {});
    if (documentId === undefined) return null;
    const named = `Document ${documentId} failed: ${message}`;
    return { documentId, message: named, position: 0, skipCursor: continueCursor, onError: policy?.onError };
  } catch {
    return null;
  }
}

/** Migrates one document by its id, wherever the job stands; resolves with null, or why it failed. */
export async function callForDocument(
  ctx: MutationCtx,
  assignment: Assignment,
  documentId: string,
): Promise<string | null> {
  try {
    await call(ctx, assignment, "retry", 1, { ids: [documentId] });
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

async function call(
  ctx: MutationCtx,
  { row, owner, rate }: Assignment,
  kind: JobKind,
  batchSize: number | undefined,
  asked: Partial<Job>,
): Promise<MigrationResult> {
  const job: Job = { kind, timeLimitMs, ...asked };
  if (batchSize !== undefined) job.batchSize = batchSize;
  if (row.range !== undefined) job.range = row.range;
  if (rate !== undefined) job.maxDocumentsPerSecond = rate;
  if (isRange(row) && row.until !== undefined) job.end = row.until;
  if (owner?.reverting !== undefined && kind !== "retry") {
    if (owner.reverting.until !== undefined) job.until = owner.reverting.until;
    job.ids = await quarantinedIds(ctx, owner.name, owner.reverting.epoch);
  }
  const args: MigrationArgs = { cursor: row.cursor, oneBatchOnly: true, dryRun: kind === "rehearse", job };
  if (row.batchSize !== undefined) args.batchSize = row.batchSize;
  const share = row.pace?.alone === true ? wholeShare : usualShare;
  const limits = shareOf(await ctx.meta.getTransactionMetrics(), share);
  return ctx.runMutation(row.fnHandle as MigrationFunctionHandle, args, { transactionLimits: limits });
}

function kindOf({ row, owner }: Assignment): JobKind {
  if (isCheck(row)) return row.kind;
  return owner?.reverting === undefined ? "migrate" : "revert";
}

/** The limits for a nested transaction that may use this share of what is left. */
function shareOf(metrics: TransactionMetrics, share: number): TransactionLimits {
  const limits = Object.entries(metrics)
    .filter(([, { remaining }]) => Number.isFinite(remaining))
    .map(([metric, { remaining }]) => [metric, Math.max(1, Math.floor(remaining * share))]);
  return Object.fromEntries(limits) as TransactionLimits;
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
    return { kind: "document", message, culprit, isLimit: isLimit === true };
  }
  if (data.code === "MIGRATION_BATCH_TOO_LARGE") {
    return { kind: "tooLarge", message, fits: Number(data["fits"]) };
  }
  return { kind: "refused", message };
}
