/**
 * One call of the migration function: a nested transaction that commits or leaves nothing. It gets a share
 * of what this transaction may still use, so that the component can always record what came of it and try
 * again with less. What comes back is sorted by what can be done about it.
 */
import type { FunctionHandle, TransactionLimits, TransactionMetrics } from "convex/server";
import { isLimitError, messageOf, migrationErrorData } from "../failures.js";
import type { Job, MigrationArgs, MigrationResult } from "../protocol.js";
import type { MutationCtx } from "./_generated/server.js";
import type { MigrationRow } from "./rows.js";

export type MigrationFunctionHandle = FunctionHandle<"mutation", MigrationArgs, MigrationResult>;

export type Outcome =
  | { kind: "done"; result: MigrationResult }
  /** One document failed: it stood at `position` of the batch, `skipCursor` is behind it. */
  | {
      kind: "document";
      message: string;
      documentId: string;
      position: number;
      skipCursor: string | null;
      isLimit: boolean;
    }
  /** So many documents would fit. */
  | { kind: "tooLarge"; message: string; fits: number }
  /** It failed, but not at a document. */
  | { kind: "batch"; message: string; isLimit: boolean }
  /** The definition or the arguments are wrong; less will not help. */
  | { kind: "refused"; message: string };

/** A batch ends early when it has run this long; Convex stops a mutation after a second. */
const timeLimitMs = 500;
const usualShare = 0.45;
const wholeShare = 0.95;

/** Runs a batch of at most `batchSize` documents (undefined: as many as the migration function likes). */
export async function callBatch(
  ctx: MutationCtx,
  row: MigrationRow,
  batchSize: number | undefined,
): Promise<Outcome> {
  try {
    const result = await call(ctx, row, batchSize, row.run?.batches === 0 ? { first: true } : {});
    return { kind: "done", result };
  } catch (error) {
    return outcomeOf(error);
  }
}

/** The document that the next batch begins with, and the cursor behind it; null if that cannot be read. */
export async function peekDocument(
  ctx: MutationCtx,
  row: MigrationRow,
): Promise<{ documentId: string; skipCursor: string } | null> {
  try {
    const result = await call(ctx, row, 1, { kind: "peek" });
    const { documentId, continueCursor } = result;
    return documentId === undefined ? null : { documentId, skipCursor: continueCursor };
  } catch {
    return null;
  }
}

async function call(
  ctx: MutationCtx,
  row: MigrationRow,
  batchSize: number | undefined,
  asked: Partial<Job>,
): Promise<MigrationResult> {
  const job: Job = { kind: "migrate", timeLimitMs, ...asked };
  if (batchSize !== undefined) job.batchSize = batchSize;
  if (row.range !== undefined) job.range = row.range;
  const args: MigrationArgs = { cursor: row.cursor, oneBatchOnly: true, dryRun: false, job };
  if (row.batchSize !== undefined) args.batchSize = row.batchSize;
  const share = row.pace?.alone === true ? wholeShare : usualShare;
  const limits = shareOf(await ctx.meta.getTransactionMetrics(), share);
  return ctx.runMutation(row.fnHandle as MigrationFunctionHandle, args, { transactionLimits: limits });
}

/** The limits for a nested transaction that may use this share of what is left. */
function shareOf(metrics: TransactionMetrics, share: number): TransactionLimits {
  const limits = Object.entries(metrics)
    .filter(([, { remaining }]) => Number.isFinite(remaining))
    .map(([metric, { remaining }]) => [metric, Math.max(1, Math.floor(remaining * share))]);
  return Object.fromEntries(limits) as TransactionLimits;
}

function outcomeOf(error: unknown): Outcome {
  const data = migrationErrorData(error);
  const message = messageOf(error);
  if (data === null) return { kind: "batch", message, isLimit: isLimitError(error) };
  const { documentId, position, skipCursor, isLimit } = data;
  if (data.code === "MIGRATION_DOCUMENT_FAILED" && typeof documentId === "string") {
    return {
      kind: "document",
      message,
      documentId,
      position: Number(position),
      skipCursor: typeof skipCursor === "string" ? skipCursor : null,
      isLimit: isLimit === true,
    };
  }
  if (data.code === "MIGRATION_BATCH_TOO_LARGE")
    return { kind: "tooLarge", message, fits: Number(data["fits"]) };
  return { kind: "refused", message };
}
