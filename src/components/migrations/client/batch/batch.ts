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
import type { StoredDocument } from "../range/cursor.js";
import { splitsBehind } from "../range/index-ranges.js";
import { readPage, tailBehind, type Page, type PageRequest } from "../range/page.js";
import { rangeOf } from "../range/range.js";
import { Breathing, Budget } from "./budget.js";
import { CurrentDocuments, reread, type Ctx } from "./current-documents.js";
import { operationOf, type Operation } from "./operation.js";
import { rehearse } from "./rehearsal.js";

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
  const budget = await Budget.begin(ctx.meta, prescribed === undefined ? job?.timeLimitMs : undefined);
  const page = await readPage(ctx.db, request);
  if (job?.kind === "peek") return peekedResult(definition, page);
  await budget.noteReading();
  const batch = new Batch(definition, request, prescribed === undefined, page, budget);
  if (dryRun) {
    return rehearse(ctx, definition, page.documents, (trial) => batch.run(trial, operation, job));
  }
  return batch.run(ctx, operation, job);
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
class Batch {
  readonly #definition: PlainDefinition;
  readonly #request: PageRequest;
  readonly #adaptive: boolean;
  readonly #page: Page;
  readonly #budget: Budget;

  constructor(
    definition: PlainDefinition,
    request: PageRequest,
    adaptive: boolean,
    page: Page,
    budget: Budget,
  ) {
    this.#definition = definition;
    this.#request = request;
    this.#adaptive = adaptive;
    this.#page = page;
    this.#budget = budget;
  }

  async run(ctx: Ctx, operation: Operation, job: BatchRequest | undefined): Promise<MigrationResult> {
    const { documents } = this.#page;
    const current = new CurrentDocuments(ctx, this.#definition.table, this.#definition.isWrapped);
    const outcomes = await this.#runOnDocuments(current, operation);
    const processed = outcomes.length;
    const whole = processed === documents.length;
    const tail = this.#page.isDone && whole && job?.kind !== "verify" ? await this.#tail(ctx) : null;
    const isDone = this.#page.isDone && whole && tail === null;
    const continueCursor = whole
      ? (tail ?? this.#page.continueCursor)
      : this.#page.cursorBehind(processed - 1);
    if (continueCursor === null) throw batchTooLarge(processed);
    await this.#budget.look();
    const result: MigrationResult = {
      continueCursor,
      isDone,
      processed,
      range: this.#request.range.description,
      batchSize: this.#request.limit,
      adaptive: this.#adaptive,
      usedShare: this.#budget.usedShare,
      elapsedMs: this.#budget.elapsedMs,
      policy: this.#definition.policy,
    };
    const lastCursor = result.isDone && processed > 0 ? this.#page.cursorBehind(processed - 1) : null;
    if (lastCursor !== null) result.lastCursor = lastCursor;
    if (job?.kind === "verify") {
      result.violations = documents.filter((_, i) => outcomes[i] === false).map(({ _id }) => _id);
    } else {
      result.skipped = outcomes.filter((changed) => !changed).length;
    }
    if (job?.first === true) {
      result.total = await this.#total(ctx);
      const { range, until } = this.#request;
      const last = documents[processed - 1];
      if (!result.isDone && until === undefined && last !== undefined) {
        result.splits = await splitsBehind(ctx.db, range, last, this.#definition.ranges);
      }
    }
    return result;
  }

  /**
   * Runs the operation over the page from its beginning, as far as the transaction can take it. Resolves with whether each
   * document needed a change.
   */
  async #runOnDocuments(current: CurrentDocuments, operation: Operation): Promise<boolean[]> {
    const { documents } = this.#page;
    const outcomes: boolean[] = [];
    const breathing = new Breathing(current.ctx.db);
    while (outcomes.length < documents.length) {
      const document = documents[outcomes.length];
      if (this.#definition.parallelize || document === undefined) {
        await this.#runTogether(current, operation, outcomes);
      } else {
        try {
          const outcome = runOn(current, operation, document);
          outcomes.push((typeof outcome === "boolean" ? outcome : await outcome) !== false);
        } catch (error) {
          throw this.#failure(outcomes.length, error);
        }
      }
      const done = outcomes.length;
      if (done === documents.length) break;
      if (this.#budget.isDue(done) && (await this.#budget.isSpent(done))) break;
      if (breathing.isDue && (await breathing.pause(done)) && this.#page.cursorBehind(done - 1) !== null) {
        break;
      }
    }
    return outcomes;
  }

  /**
   * Starts the operation on several documents at once, and lets all of them end before it throws what the first to fail threw.
   */
  async #runTogether(current: CurrentDocuments, operation: Operation, outcomes: boolean[]): Promise<void> {
    const together = this.#page.documents.slice(outcomes.length, outcomes.length + abreast);
    const settled = await Promise.allSettled(
      together.map(async (document) => runOn(current, operation, document)),
    );
    for (const outcome of settled) {
      if (outcome.status === "rejected") throw this.#failure(outcomes.length, outcome.reason);
      outcomes.push(outcome.value !== false);
    }
  }

  /** The cursor behind a last page, when the batch itself has inserted documents there; null otherwise. */
  async #tail(ctx: Ctx): Promise<string | null> {
    const last = this.#page.documents.at(-1);
    return last === undefined ? null : tailBehind(ctx.db, this.#request, last);
  }

  #failure(position: number, reason: unknown): Error {
    if (migrationErrorData(reason) !== null || dryRunData(reason) !== null) return reason as Error;
    const { table, policy } = this.#definition;
    const documentId = String(this.#page.documents[position]?._id);
    console.error(`Document failed: ${documentId}`);
    const skipCursor = this.#page.cursorBehind(position);
    const message = `Document ${documentId} failed: ${messageOf(reason)}`;
    return migrationError("MIGRATION_DOCUMENT_FAILED", message, {
      table,
      documentId,
      position,
      isLimit: isLimitError(reason),
      ...given({ skipCursor: skipCursor ?? undefined, onError: policy.onError }),
    });
  }

  /**
   * The number of documents in the range, null when the database does not keep it; Trueup does. Convex Cloud is never asked:
   * counting there reads the whole table and makes the batch conflict with every insert.
   */
  async #total(ctx: Ctx): Promise<number | null> {
    const { customRange, until } = this.#request;
    if (customRange !== undefined || until !== undefined) return null;
    return (await nativeStoreOf(ctx.db)?.count(this.#definition.table)) ?? null;
  }
}

/** Runs the operation on the document as it is now. Passes over one that is gone. */
function runOn(
  current: CurrentDocuments,
  operation: Operation,
  document: StoredDocument,
): Promise<unknown> | boolean {
  const now = current.now(document);
  if (!(now instanceof Promise)) return operation(current.ctx, now);
  return now.then((found) => found !== null && operation(current.ctx, found));
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
