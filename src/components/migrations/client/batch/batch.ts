/**
 * One batch: a page of documents, each migrated, reverted or verified, in one transaction that commits all
 * of it or nothing. Whatever fails, the error says which document it was and where it stood, so that the
 * component can go on up to it and put it aside.
 */
import { nativeStoreOf } from "../../../../seams/index.js";
import {
  dryRunData,
  isLimitError,
  messageOf,
  migrationError,
  migrationErrorData,
} from "../../component/failures.js";
import { given } from "../../component/given.js";
import type { BatchRequest, MigrationArgs, MigrationResult } from "../../component/protocol.js";
import { defaultBatchSize, type PlainDefinition } from "../definition.js";
import { splitsBehind } from "../range/index-ranges.js";
import { readPage, tailBehind, type Page, type PageRequest } from "../range/page.js";
import { rangeOf } from "../range/range.js";
import { Budget } from "./budget.js";
import { CurrentDocuments, reread, type Ctx, type Operation } from "./current-documents.js";
import { operationOf } from "./operation.js";
import { rehearse } from "./rehearsal.js";
import { Turn } from "./turn.js";

/** So many documents are started together with `parallelize`. */
const abreast = 32;

/**
 * Does what `args.job` asks for with at most a batch behind `args.cursor`; without a job, migrates it. With
 * `dryRun` it ends by throwing what it would have done.
 * @throws MIGRATION_ARGUMENTS when it is for real and nobody says where to begin
 * @throws MIGRATION_DOCUMENT_FAILED when a document cannot be migrated
 * @throws MIGRATION_BATCH_TOO_LARGE when fewer documents fit the transaction than were read
 * @throws MIGRATION_RANGE_CHANGED when the cursor is of another range
 * @throws MIGRATION_RANGE_UNSUPPORTED when no batch can resume in the range
 * @throws MIGRATION_NOT_DEFINED when the definition lacks what the job needs
 */
export async function runBatch(
  ctx: Ctx,
  definition: PlainDefinition,
  args: MigrationArgs,
): Promise<MigrationResult> {
  const { job } = args;
  if (job?.kind === "retry") return retryOne(ctx, definition, job);
  const operation = operationOf(definition, job);
  const prescribed = args.batchSize || definition.batchSize;
  const { cursor, dryRun } = placeOf(args);
  const request = requestOf(definition, prescribed, cursor, job);
  const turn = new Turn(ctx.db);
  const budget = await Budget.begin(ctx.meta, prescribed === undefined ? job?.timeLimitMs : undefined);
  const page = await readPage(ctx.db, request);
  if (job?.kind === "peek") return peekedResult(definition, page);
  await budget.noteReading();
  const isAdaptive = prescribed === undefined;
  const batch: Batch = { definition, job, operation, request, page, budget, turn, isAdaptive };
  if (dryRun) return rehearse(ctx, definition, page.documents, (trial) => migrate(trial, batch));
  return migrate(ctx, batch);
}

/**
 * Where the batch begins, and whether it is a dry run: it is one when neither a cursor is given nor that it is for real.
 * @throws MIGRATION_ARGUMENTS when it is for real and has no cursor
 */
function placeOf({ cursor, dryRun }: MigrationArgs): { cursor: string | null; dryRun: boolean } {
  if (cursor !== undefined && cursor !== "") return { cursor, dryRun: dryRun === true };
  if (dryRun === false) {
    const message =
      "Cursor must be specified for a single batch: null for the beginning, or the cursor that getStatus shows.";
    throw migrationError("MIGRATION_ARGUMENTS", message);
  }
  if (dryRun === undefined) console.warn("No cursor or dryRun given: doing a dry run of the first batch.");
  return { cursor: null, dryRun: true };
}

/** Which documents the batch is over. */
function requestOf(
  definition: PlainDefinition,
  prescribed: number | undefined,
  cursor: string | null,
  job: BatchRequest | undefined,
): PageRequest {
  const { table, schema, revertRange } = definition;
  const customRange =
    job?.kind === "revert" ? (revertRange ?? definition.customRange) : definition.customRange;
  return {
    range: rangeOf(table, customRange, schema),
    customRange,
    cursor,
    cursorRange: job?.range,
    limit: Math.min(
      prescribed ?? Infinity,
      job?.batchSize ?? prescribed ?? defaultBatchSize,
      secondsWorth(definition, job),
    ),
    // A range of its own finds the migrated documents itself.
    until: job?.end ?? (revertRange === undefined ? job?.until : undefined),
  };
}

/** How many documents the rate allows in a second: a batch takes no more. */
function secondsWorth({ policy }: PlainDefinition, job: BatchRequest | undefined): number {
  if (job === undefined || (job.kind !== "migrate" && job.kind !== "revert")) return Infinity;
  return Math.max(1, Math.floor(job.maxDocumentsPerSecond ?? policy.maxDocumentsPerSecond ?? Infinity));
}

/** A page of documents, each of which is handed to the operation. */
interface Batch {
  readonly definition: PlainDefinition;
  readonly job: BatchRequest | undefined;
  readonly operation: Operation;
  readonly request: PageRequest;
  readonly page: Page;
  readonly budget: Budget;
  readonly turn: Turn;
  /** Whether nobody has prescribed its size. */
  readonly isAdaptive: boolean;
}

/** Runs the operation over the page, and tells what came of it and where to go on. */
async function migrate(ctx: Ctx, batch: Batch): Promise<MigrationResult> {
  const { definition, job, request, page, budget, turn } = batch;
  const outcomes = await runOnDocuments(ctx, batch);
  const processed = outcomes.length;
  const isWhole = processed === page.documents.length;
  const last = page.documents[processed - 1];
  // The batch itself may have inserted documents behind a last page.
  const looksBehind = isWhole && page.isDone && last !== undefined && job?.kind !== "verify";
  const tail = looksBehind ? await tailBehind(ctx.db, request, last) : null;
  const isDone = isWhole && page.isDone && tail === null;
  const continueCursor = isWhole ? (tail ?? page.continueCursor) : page.cursorBehind(processed - 1);
  if (continueCursor === null) throw batchTooLarge(processed);
  await budget.look();
  const result: MigrationResult = {
    continueCursor,
    isDone,
    processed,
    range: request.range.description,
    batchSize: request.limit,
    adaptive: batch.isAdaptive,
    usedShare: budget.usedShare,
    tookMs: turn.tookMs,
    isShared: turn.isShared,
    policy: definition.policy,
  };
  const lastCursor = isDone && processed > 0 ? page.cursorBehind(processed - 1) : null;
  if (lastCursor !== null) result.lastCursor = lastCursor;
  if (job?.kind === "verify") {
    result.violations = page.documents.filter((_, i) => outcomes[i] === false).map(({ _id }) => _id);
  } else {
    result.skipped = outcomes.filter((changed) => !changed).length;
  }
  if (job?.first === true) {
    result.total = await totalOf(ctx, batch);
    if (!isDone && request.until === undefined && last !== undefined) {
      result.splits = await splitsBehind(ctx.db, request.range, last, definition.ranges);
    }
  }
  return result;
}

/**
 * Runs the operation over the page from its beginning, as far as the transaction can take it. Resolves with whether each
 * document needed a change.
 */
async function runOnDocuments(ctx: Ctx, batch: Batch): Promise<boolean[]> {
  const { definition, operation, page, budget, turn } = batch;
  const { documents } = page;
  const current = new CurrentDocuments(ctx, definition.table, definition.isWrapped);
  const outcomes: boolean[] = [];
  while (outcomes.length < documents.length) {
    const document = documents[outcomes.length];
    if (definition.parallelize === true || document === undefined) {
      await runTogether(current, batch, outcomes);
    } else {
      try {
        const outcome = current.run(operation, document);
        outcomes.push((typeof outcome === "boolean" ? outcome : await outcome) !== false);
      } catch (error) {
        throw failureOf(batch, outcomes.length, error);
      }
    }
    const done = outcomes.length;
    if (done === documents.length) break;
    if (budget.isDue(done) && (await budget.isSpent(done))) break;
    if (turn.isDue(done) && (await turn.breathe(done)) && page.cursorBehind(done - 1) !== null) break;
  }
  return outcomes;
}

/**
 * Starts the operation on several documents at once, and lets all of them end before it throws what the first to fail threw.
 */
async function runTogether(current: CurrentDocuments, batch: Batch, outcomes: boolean[]): Promise<void> {
  const together = batch.page.documents.slice(outcomes.length, outcomes.length + abreast);
  const settled = await Promise.allSettled(
    together.map(async (document) => current.run(batch.operation, document)),
  );
  for (const outcome of settled) {
    if (outcome.status === "rejected") throw failureOf(batch, outcomes.length, outcome.reason);
    outcomes.push(outcome.value !== false);
  }
}

function failureOf({ definition, page }: Batch, position: number, reason: unknown): Error {
  if (migrationErrorData(reason) !== null || dryRunData(reason) !== null) return reason as Error;
  const { table, policy } = definition;
  const documentId = String(page.documents[position]?._id);
  console.error(`Document failed: ${documentId}`);
  const message = `Document ${documentId} failed: ${messageOf(reason)}`;
  return migrationError("MIGRATION_DOCUMENT_FAILED", message, {
    table,
    documentId,
    position,
    isLimit: isLimitError(reason),
    ...given({ skipCursor: page.cursorBehind(position) ?? undefined, onError: policy.onError }),
  });
}

/**
 * The number of documents in the range, null when the database does not keep it; Trueup does. Convex Cloud is never asked:
 * counting there reads the whole table and makes the batch conflict with every insert.
 */
async function totalOf(ctx: Ctx, { definition, request }: Batch): Promise<number | null> {
  if (request.customRange !== undefined || request.until !== undefined) return null;
  return (await nativeStoreOf(ctx.db)?.count(definition.table)) ?? null;
}

function batchTooLarge(fits: number): Error {
  return migrationError(
    "MIGRATION_BATCH_TOO_LARGE",
    `Only ${fits} documents fit one transaction; run it with {"batchSize": ${fits}}.`,
    { fits },
  );
}

/** Says which document the batch begins with and what is behind it, for a batch that fails outside of any document. */
function peekedResult({ policy }: PlainDefinition, page: Page): MigrationResult {
  const { documents, continueCursor, isDone } = page;
  return { continueCursor, isDone, processed: 0, policy, ...given({ documentId: documents[0]?._id }) };
}

/** Migrates the document that the job names, if it is still there. */
async function retryOne(ctx: Ctx, definition: PlainDefinition, job: BatchRequest): Promise<MigrationResult> {
  const document = await reread(ctx, definition.table, job.ids?.[0] ?? "");
  if (document !== null) await operationOf(definition, job)(ctx, document);
  return { continueCursor: "[]", isDone: true, processed: document === null ? 0 : 1 };
}
