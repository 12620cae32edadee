/**
 * One step of a job: a batch that commits, a document put aside, or the decision that neither can be. A
 * batch that fails is tried again with fewer documents, in this transaction while there is room and by the
 * next worker otherwise, until it either goes through or consists of the one document that cannot be
 * migrated. Nothing here schedules.
 */
import type { MutationCtx } from "./_generated/server.js";
import { callBatch, peekDocument, type Culprit, type Outcome } from "./batch_call.js";
import { addFailure, addFindings } from "./findings.js";
import { paceAfter } from "./pace.js";
import { forgetQuarantine, putAside } from "./quarantine.js";
import type { MigrationResult } from "../protocol.js";
import {
  isCheck,
  isMigration,
  isRange,
  nameOf,
  type JobRow,
  type MigrationRow,
  type Pace,
  type RangeRow,
} from "./rows.js";
import { closeRun, noteBatch } from "./run_log.js";
import type { Assignment } from "./state.js";

type Failure = Exclude<Outcome, { kind: "done" }>;

/** A batch of unknown size is taken for one of this size when it has to shrink. */
const presumedSize = 128;
/** Halving from the largest batch down to one document. */
const tries = 14;
/** So many documents in a row are not to blame: the migration is. */
const failuresAllowed = 100;

/** What is to be done behind a batch: nothing, the next one, or several ranges from these places on. */
export type Advanced = { goesOn: boolean; splits?: string[] };

const ended: Advanced = { goesOn: false };
const goesOn: Advanced = { goesOn: true };

/**
 * Runs one batch of the job and records in its row what came of it. With `isLast` no worker will follow, so it tries on
 * in this transaction where it would otherwise leave that to the next.
 */
export async function advance(ctx: MutationCtx, assignment: Assignment, isLast: boolean): Promise<Advanced> {
  const { row } = assignment;
  for (let attempt = 1; ; attempt++) {
    const batchSize = row.pace?.batchSize;
    const outcome = await callBatch(ctx, assignment);
    if (outcome.kind === "done") return succeed(ctx, assignment, outcome);
    const smaller = attempt < tries ? smallerBatch(outcome, batchSize, assignment) : null;
    if (smaller === null) return refuse(ctx, assignment, outcome, batchSize);
    row.pace = smaller;
    // Reads of a failed attempt count all the same: a fresh transaction has more room.
    if (!isLast && usesRoom(outcome)) return goesOn;
  }
}

async function succeed(
  ctx: MutationCtx,
  { row, rate }: Assignment,
  { result, rehearsal }: Outcome & { kind: "done" },
): Promise<Advanced> {
  if (isMigration(row)) row.policy = result.policy ?? {};
  row.pace = paceAfter(row.pace ?? {}, result, rate !== undefined);
  row.cursor = isRange(row) ? placeInRange(row, result) : result.continueCursor;
  row.isDone = result.isDone;
  row.processed += result.processed;
  row.skipped = (row.skipped ?? 0) + (result.skipped ?? 0);
  row.batches = (row.batches ?? 0) + 1;
  if (result.range !== undefined) row.range = result.range;
  if (result.total !== undefined) row.total = result.total;
  for (const field of ["error", "errorDocumentId", "deaths", "failedInARow"] as const) delete row[field];
  if (isCheck(row)) {
    addFindings(row, result, rehearsal);
    if (row.isDone) row.endedAt = Date.now();
    return { goesOn: !row.isDone };
  }
  if (!isMigration(row)) return { goesOn: !row.isDone };
  noteBatch(row);
  if (row.isDone) await complete(ctx, row);
  const splits = result.splits ?? [];
  return { goesOn: !row.isDone && row.halted !== "reverted", ...(splits.length === 0 ? {} : { splits }) };
}

/** A range that is open at its end keeps its place there: when the others are done, new documents may stand behind it. */
function placeInRange({ cursor, until }: RangeRow, result: MigrationResult): string | null {
  if (!result.isDone || until !== undefined) return result.continueCursor;
  return result.processed === 0 ? cursor : (result.lastCursor ?? result.continueCursor);
}

/** The whole range has been gone through: the migration is done, or undone. */
export async function complete(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  if (row.reverting !== undefined) {
    await forgetQuarantine(ctx, row.name, row.epoch ?? 0);
    row.cursor = null;
    row.isDone = false;
    row.halted = "reverted";
    delete row.reverting;
    delete row.range;
  } else {
    row.latestEnd ??= Date.now();
  }
  await closeRun(ctx, row, "done");
}

/** The pace to try next, or null when the batch cannot be made smaller or that would not help. */
function smallerBatch(outcome: Failure, batchSize: number | undefined, assignment: Assignment): Pace | null {
  const wasAlone = assignment.row.pace?.alone === true;
  switch (outcome.kind) {
    case "refused":
      return null;
    case "tooLarge":
      return { batchSize: Math.max(1, outcome.fits) };
    case "document":
      if (!outcome.isLimit) return stepToward(outcome.culprit, batchSize, assignment);
      if (outcome.culprit.position > 0) return { batchSize: outcome.culprit.position };
      return wasAlone ? null : { batchSize: 1, alone: true };
    case "batch":
      if (batchSize !== 1) return { batchSize: Math.ceil((batchSize ?? presumedSize) / 2) };
      return outcome.isLimit && !wasAlone ? { batchSize: 1, alone: true } : null;
  }
}

/** A document that will be put aside: first what stands before it, then the document as a batch of its own. */
function stepToward(culprit: Culprit, batchSize: number | undefined, assignment: Assignment): Pace | null {
  if (!isPutAside(assignment, culprit)) return null;
  if (culprit.position > 0) return { batchSize: culprit.position };
  return culprit.skipCursor === null && batchSize !== 1 ? { batchSize: 1 } : null;
}

function isPutAside({ owner }: Assignment, { onError }: Culprit): boolean {
  if (owner === null) return true;
  return owner.reverting === undefined && (owner.onError ?? onError) === "quarantine";
}

function usesRoom(outcome: Failure): boolean {
  return outcome.kind === "tooLarge" || ("isLimit" in outcome && outcome.isLimit);
}

/** A batch that cannot go through: its one document is put aside, or the job fails. */
async function refuse(
  ctx: MutationCtx,
  assignment: Assignment,
  outcome: Failure,
  batchSize: number | undefined,
): Promise<Advanced> {
  const { row, owner } = assignment;
  const culprit =
    outcome.kind === "document"
      ? outcome.culprit
      : outcome.kind === "batch" && batchSize === 1
        ? await peekDocument(ctx, assignment, outcome.message)
        : null;
  if (
    culprit === null ||
    culprit.skipCursor === null ||
    culprit.position > 0 ||
    !isPutAside(assignment, culprit)
  ) {
    await fail(ctx, row, culprit?.message ?? outcome.message, culprit?.documentId);
    return ended;
  }
  row.failedInARow = (row.failedInARow ?? 0) + 1;
  if (row.failedInARow > failuresAllowed) {
    const message = `${failuresAllowed} documents in a row failed. ${culprit.message}`;
    await fail(ctx, row, message, culprit.documentId);
    return ended;
  }
  if (isCheck(row)) addFailure(row, culprit.documentId, culprit.message);
  else if (owner !== null) await putAside(ctx, owner, culprit.documentId, culprit.message);
  row.cursor = culprit.skipCursor;
  row.processed += 1;
  row.failed = (row.failed ?? 0) + 1;
  return goesOn;
}

/** Ends the job with an error; starting or resuming it tries the same batch again. A range only notes it. */
export async function fail(
  ctx: MutationCtx,
  row: JobRow,
  message: string,
  documentId: string | undefined,
): Promise<void> {
  row.error = message;
  if (documentId === undefined) delete row.errorDocumentId;
  else row.errorDocumentId = documentId;
  console.error(`Migration ${nameOf(row)} failed: ${message}`);
  if (isCheck(row)) row.endedAt = Date.now();
  else if (isMigration(row)) await closeRun(ctx, row, "failed");
}
