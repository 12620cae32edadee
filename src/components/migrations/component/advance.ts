/**
 * One step of a job: a batch that commits, or the decision that none can. A batch that fails is tried again
 * with fewer documents, in this transaction while there is room and by the next worker otherwise, until it
 * either goes through or consists of the one document that cannot be migrated. Nothing here schedules.
 */
import type { MutationCtx } from "./_generated/server.js";
import { callBatch, peekDocument, type Outcome } from "./batch_call.js";
import { paceAfter } from "./pace.js";
import type { MigrationRow, Pace } from "./rows.js";
import { closeRun, noteBatch } from "./run_log.js";

type Failure = Exclude<Outcome, { kind: "done" }>;

/** A batch of unknown size is taken for one of this size when it has to shrink. */
const presumedSize = 128;
/** Halving from the largest batch down to one document. */
const tries = 14;

/**
 * Runs one batch of the job and records in `row` what came of it: progress, or `error`. With `isLast` no
 * worker will follow, so it tries on in this transaction where it would otherwise leave that to the next.
 */
export async function advance(ctx: MutationCtx, row: MigrationRow, isLast: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const batchSize = row.pace?.batchSize;
    const outcome = await callBatch(ctx, row, batchSize);
    if (outcome.kind === "done") {
      await succeed(ctx, row, outcome);
      return;
    }
    const smaller = attempt < tries ? smallerBatch(outcome, batchSize, row) : null;
    if (smaller === null) {
      await fail(ctx, row, outcome);
      return;
    }
    row.pace = smaller;
    // Reads of a failed attempt count all the same: a fresh transaction has more room.
    if (!isLast && usesRoom(outcome)) return;
  }
}

async function succeed(
  ctx: MutationCtx,
  row: MigrationRow,
  { result }: Outcome & { kind: "done" },
): Promise<void> {
  row.pace = paceAfter(row.pace ?? {}, result, row.run);
  row.cursor = result.continueCursor;
  row.isDone = result.isDone;
  row.processed += result.processed;
  row.skipped = (row.skipped ?? 0) + (result.skipped ?? 0);
  if (result.range !== undefined) row.range = result.range;
  if (result.total !== undefined) row.total = result.total;
  delete row.error;
  delete row.errorDocumentId;
  delete row.deaths;
  noteBatch(row);
  if (!row.isDone) return;
  row.latestEnd ??= Date.now();
  await closeRun(ctx, row, "done");
}

/** The pace to try next, or null when the batch cannot be made smaller or that would not help. */
function smallerBatch(outcome: Failure, batchSize: number | undefined, row: MigrationRow): Pace | null {
  const wasAlone = row.pace?.alone === true;
  switch (outcome.kind) {
    case "refused":
      return null;
    case "tooLarge":
      return { batchSize: Math.max(1, outcome.fits) };
    case "document":
      if (!outcome.isLimit) return null;
      if (outcome.position > 0) return { batchSize: outcome.position };
      return wasAlone ? null : { batchSize: 1, alone: true };
    case "batch":
      if (batchSize !== 1) return { batchSize: Math.ceil((batchSize ?? presumedSize) / 2) };
      return outcome.isLimit && !wasAlone ? { batchSize: 1, alone: true } : null;
  }
}

function usesRoom(outcome: Failure): boolean {
  return outcome.kind === "tooLarge" || ("isLimit" in outcome && outcome.isLimit);
}

async function fail(ctx: MutationCtx, row: MigrationRow, outcome: Failure): Promise<void> {
  row.error = outcome.message;
  if (outcome.kind === "document") row.errorDocumentId = outcome.documentId;
  if (outcome.kind === "batch" && row.pace?.batchSize === 1) {
    const culprit = await peekDocument(ctx, row);
    if (culprit !== null) {
      row.error = `Document ${culprit.documentId} failed: ${outcome.message}`;
      row.errorDocumentId = culprit.documentId;
    }
  }
  console.error(`Migration ${row.name} failed: ${row.error}`);
  await closeRun(ctx, row, "failed");
}
