/**
 * One batch: a page of documents, each migrated, reverted or verified, in one transaction that commits all
 * of it or nothing. Whatever fails, the error says which document it was and where it stood, so that the
 * component can go on up to it and put it aside.
 */
import { dryRunData, isLimitError, messageOf, migrationError, migrationErrorData } from "../failures.js";
import type { Job, MigrationArgs, MigrationResult } from "../protocol.js";
import { Breathing } from "./breathing.js";
import { Budget } from "./budget.js";
import { countDocuments } from "./count.js";
import { CurrentDocuments } from "./current-documents.js";
import { defaultBatchSize, type PlainDefinition } from "./definition.js";
import { operationOf } from "./operation.js";
import { readPage, tailBehind, type Page, type PageRequest } from "./page.js";
import { describeRange, rangeOf } from "./range.js";
import { rehearse } from "./rehearsal.js";
import { splitsBehind } from "./splits.js";
import { reread, type Ctx, type Operation, type StoredDocument } from "./stored-document.js";

/** So many documents are started together with `parallelize`. */
const abreast = 32;

/**
 * Does what `args.job` asks for with at most a batch behind `args.cursor`; without a job, migrates it. With
 * `dryRun` it ends by throwing what it would have done.
 * Throws MIGRATION_DOCUMENT_FAILED, MIGRATION_BATCH_TOO_LARGE, MIGRATION_RANGE_CHANGED,
 * MIGRATION_RANGE_UNSUPPORTED and MIGRATION_NOT_DEFINED.
 */
export async function runBatch(
  ctx: Ctx,
  definition: PlainDefinition,
  args: MigrationArgs & { cursor: string | null },
): Promise<MigrationResult> {
  const { job } = args;
  if (job?.kind === "retry") return retryOne(ctx, definition, job);
  const operation = operationOf(definition, job);
  const prescribed = args.batchSize || definition.batchSize;
  const request = requestOf(definition, prescribed, args);
  const budget = await Budget.begin(ctx.meta, prescribed === undefined ? job?.timeLimitMs : undefined);
  const page = await readPage(ctx.db, request);
  if (job?.kind === "peek") return peekedResult(definition, page);
  await budget.noteReading();
  const batch = new Batch(definition, request, prescribed === undefined, page, budget);
  if (args.dryRun === true) {
    return rehearse(ctx, definition, page.documents, (trial) => batch.run(trial, operation, job));
  }
  return batch.run(ctx, operation, job);
}

/** Which documents the batch is over. */
function requestOf(
  definition: PlainDefinition,
  prescribed: number | undefined,
  { cursor, job }: MigrationArgs & { cursor: string | null },
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

/** Under a rate, a batch takes no more than it allows in a second. */
function secondsWorth({ policy }: PlainDefinition, job: Job | undefined): number {
  if (job === undefined || (job.kind !== "migrate" && job.kind !== "revert")) return Infinity;
  return Math.max(1, Math.floor(job.maxDocumentsPerSecond ?? policy.maxDocumentsPerSecond ?? Infinity));
}

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

  async run(ctx: Ctx, operation: Operation, job: Job | undefined): Promise<MigrationResult> {
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
      range: describeRange(this.#request.range),
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

  /** Runs the operation over the page from its beginning, as far as the transaction bears. */
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

  /** Starts several at once, and lets all of them end before it throws what the first to fail threw. */
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

  /** Where to go on behind a last page, when the batch itself has inserted documents there; null otherwise. */
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
      ...(skipCursor === null ? {} : { skipCursor }),
      ...(policy.onError === undefined ? {} : { onError: policy.onError }),
    });
  }

  async #total(ctx: Ctx): Promise<number | null> {
    const { customRange, until } = this.#request;
    const isWhole = customRange === undefined && until === undefined;
    return isWhole ? countDocuments(ctx.db, this.#definition.table) : null;
  }
}

/** Runs the operation on the document as it is now; one that is gone is passed over. */
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

/** For a batch that fails outside of any document: which document it begins with, and what is behind. */
function peekedResult({ policy }: PlainDefinition, page: Page): MigrationResult {
  const [document] = page.documents;
  const documentId = document === undefined ? {} : { documentId: document._id };
  return { continueCursor: page.continueCursor, isDone: page.isDone, processed: 0, policy, ...documentId };
}

/** Migrates the document that the job names, if it is still there. */
async function retryOne(ctx: Ctx, definition: PlainDefinition, job: Job): Promise<MigrationResult> {
  const document = await reread(ctx, definition.table, job.ids?.[0] ?? "");
  if (document !== null) await operationOf(definition, job)(ctx, document);
  return { continueCursor: "[]", isDone: true, processed: document === null ? 0 : 1 };
}
