/**
 * One batch: a page of documents, each migrated, in one transaction that commits all of it or nothing.
 * Whatever fails, the error says which document it was and where it stood, so that the component can go on
 * up to it and put it aside.
 */
import { dryRunData, isLimitError, messageOf, migrationError, migrationErrorData } from "../failures.js";
import type { MigrationArgs, MigrationResult } from "../protocol.js";
import { Budget } from "./budget.js";
import { countDocuments } from "./count.js";
import { DEFAULT_BATCH_SIZE, type PlainDefinition } from "./definition.js";
import { readPage, type Page } from "./page.js";
import { describeRange, rangeOf } from "./range.js";
import { rehearse } from "./rehearsal.js";
import { migrateDocument, type Ctx } from "./stored-document.js";

/** So many documents are started together with `parallelize`. */
const abreast = 32;

/**
 * Migrates at most a batch behind `args.cursor`. With `dryRun` it ends by throwing what it would have done.
 * Throws MIGRATION_DOCUMENT_FAILED, MIGRATION_BATCH_TOO_LARGE, MIGRATION_RANGE_CHANGED and
 * MIGRATION_RANGE_UNSUPPORTED.
 */
export async function runBatch(
  ctx: Ctx,
  definition: PlainDefinition,
  args: MigrationArgs & { cursor: string | null },
): Promise<MigrationResult> {
  const { table, customRange, schema } = definition;
  const { job, cursor } = args;
  const prescribed = args.batchSize || definition.batchSize;
  const batchSize = Math.min(prescribed ?? Infinity, job?.batchSize ?? prescribed ?? DEFAULT_BATCH_SIZE);
  const range = rangeOf(table, customRange, schema);
  const budget = await Budget.begin(ctx.meta, prescribed === undefined ? job?.timeLimitMs : undefined);
  const page = await readPage(ctx.db, {
    range,
    customRange,
    cursor,
    cursorRange: job?.range,
    limit: batchSize,
  });
  if (job?.kind === "peek") return peekedResult(page);

  const processed = await migrateDocuments(ctx, definition, page, budget);
  const whole = processed === page.documents.length;
  const continueCursor = whole ? page.continueCursor : page.cursorBehind(processed - 1);
  if (continueCursor === null) throw batchTooLarge(processed);
  await budget.look();
  const result: MigrationResult = {
    continueCursor,
    isDone: page.isDone && whole,
    processed,
    range: describeRange(range),
    batchSize,
    adaptive: prescribed === undefined,
    usedShare: budget.usedShare,
    elapsedMs: budget.elapsedMs,
  };
  if (job?.first === true)
    result.total = customRange === undefined ? await countDocuments(ctx.db, table) : null;
  if (args.dryRun === true) throw await rehearse(ctx, definition, page.documents.slice(0, processed), result);
  return result;
}

/** Migrates the page from its beginning, as far as the transaction bears; returns how many it did. */
async function migrateDocuments(
  ctx: Ctx,
  definition: PlainDefinition,
  page: Page,
  budget: Budget,
): Promise<number> {
  const { documents } = page;
  const stride = definition.parallelize ? abreast : 1;
  for (let done = 0; done < documents.length;) {
    const together = documents.slice(done, done + stride);
    const outcomes = await Promise.allSettled(
      together.map((document) => migrateDocument(ctx, definition, document)),
    );
    const failed = outcomes.findIndex(({ status }) => status === "rejected");
    const outcome = outcomes[failed];
    if (outcome?.status === "rejected") throw documentFailed(definition, page, done + failed, outcome.reason);
    done += together.length;
    if (done < documents.length && (await budget.isSpent(done))) return done;
  }
  return documents.length;
}

function documentFailed({ table }: PlainDefinition, page: Page, position: number, reason: unknown): Error {
  if (migrationErrorData(reason) !== null || dryRunData(reason) !== null) return reason as Error;
  const documentId = String(page.documents[position]?._id);
  console.error(`Document failed: ${documentId}`);
  const skipCursor = page.cursorBehind(position);
  return migrationError("MIGRATION_DOCUMENT_FAILED", `Document ${documentId} failed: ${messageOf(reason)}`, {
    table,
    documentId,
    position,
    isLimit: isLimitError(reason),
    ...(skipCursor === null ? {} : { skipCursor }),
  });
}

function batchTooLarge(fits: number): Error {
  return migrationError(
    "MIGRATION_BATCH_TOO_LARGE",
    `Only ${fits} documents fit one transaction; run it with {"batchSize": ${fits}}.`,
    { fits },
  );
}

/** For a batch that fails outside of any document: which document it begins with, and what is behind. */
function peekedResult({ documents, continueCursor, isDone }: Page): MigrationResult {
  const [document] = documents;
  const documentId = document === undefined ? {} : { documentId: document._id };
  return { continueCursor, isDone, processed: 0, ...documentId };
}
