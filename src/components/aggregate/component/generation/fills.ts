/** One batch of a build: it brings documents into the trees, and notes how far the build has come. */
import { ConvexError, v, type Infer } from "convex/values";
import type { TransactionMetrics } from "convex/server";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { isDamage } from "../interface/errors.js";
import { Forest } from "../forest/forest.js";
import * as states from "./states.js";
import { failure, tableSize, type Failure } from "./tables.js";
import type { Build } from "./progress.js";
import { applyOperation, namespacesOf } from "../forest/operations.js";
import { operations } from "../interface/operation.js";

/** A batch should take about this long, so that live writers get through. Where the clock stands still, the budget decides. */
const batchMs = 50;
const maxBatch = 2048;
/** A longer break between batches does not count as time of the build. */
const longestGapMs = 5000;
/** The share of a transaction that a batch may use. The nodes that it has changed are written only when it ends. */
const spendable = 0.5;
const operationsBetweenLooks = 32;

/** One batch, as the app's side hands it over. */
type Batch = Infer<typeof batch>;
export const batch = v.object({
  generation: v.number(),
  /** What the documents are to the aggregate, in the order of their creation. */
  operations,
  /** When each of them was created. */
  creationTimes: v.array(v.number()),
  /** True when there are no more documents. */
  isDone: v.boolean(),
  /** Why the document behind these was refused. */
  failure: v.optional(failure),
  /** With the first batch of a build. */
  size: v.optional(v.object(tableSize)),
  /** When the batch began. */
  beganAtMs: v.number(),
});

/** Brings a batch into the trees, as far as the transaction bears it, and notes how far the build has come. */
export async function fillIn(
  ctx: MutationCtx,
  generation: states.Generation,
  build: Doc<"builds">,
  args: Batch,
): Promise<void> {
  const { operations, creationTimes } = args;
  const { applied, failure } = await apply(ctx, generation, args);
  const last = operations[applied - 1];
  const cursor =
    last === undefined ? build.cursor : { creationTime: creationTimes[applied - 1] ?? 0, id: last.id };
  const isWhole = applied === operations.length && failure === undefined;
  const now = Date.now();
  const changes: Partial<Build> = {
    ...(cursor && { cursor }),
    ...args.size,
    isFilled: isWhole && args.isDone,
    processed: build.processed + applied,
    batchSize: nextBatchSize(build.batchSize, applied, operations.length, now - args.beganAtMs),
    activeMs:
      build.activeMs +
      Math.min(now - (build.processed === 0 ? args.beganAtMs : build.latestAtMs), longestGapMs),
    latestAtMs: now,
  };
  await ctx.db.patch("builds", build._id, changes);
  if (failure !== undefined) await states.fail(ctx.db, generation, failure);
  else if (isWhole && args.isDone) await states.startChecking(ctx.db, generation);
  else if (generation.status === "failed" && applied > 0) await states.resume(ctx.db, generation);
}

/** Applies as many operations as the transaction bears, and ends at one that is refused. */
async function apply(
  ctx: MutationCtx,
  { generation }: states.Generation,
  { operations, failure }: Batch,
): Promise<{ applied: number; failure: Failure | undefined }> {
  const forest = new Forest(ctx.db, generation);
  await forest.load(operations.flatMap(namespacesOf), true);
  let refused = failure;
  let applied = 0;
  for (const operation of operations) {
    const isLook = applied > 0 && applied % operationsBetweenLooks === 0;
    if (isLook && isSpent(forest, await ctx.meta.getTransactionMetrics())) {
      refused = undefined;
      break;
    }
    try {
      await applyOperation(forest, operation);
    } catch (error) {
      if (!(error instanceof ConvexError) || isDamage(error)) throw error;
      refused = { message: messageOf(error), documentId: operation.id };
      break;
    }
    applied++;
  }
  await forest.flush(ctx.db);
  return { applied, failure: refused };
}

function isSpent({ nodes }: Forest, metrics: TransactionMetrics): boolean {
  const { documentsRead, documentsWritten, bytesRead } = metrics;
  const writes = { used: documentsWritten.used + nodes.usage.written, limit: limitOf(documentsWritten) };
  const reads = [documentsRead, bytesRead].map((metric) => ({ used: metric.used, limit: limitOf(metric) }));
  return [...reads, writes].some(({ used, limit }) => used > spendable * limit);
}

function limitOf({ used, remaining }: { used: number; remaining: number }): number {
  return used + remaining;
}

/**
 * The size of the next batch: up to twice this one, or half of it, by the time that it took. When the budget ended this one, what
 * went in.
 */
function nextBatchSize(before: number, applied: number, given: number, elapsedMs: number): number {
  if (applied < given) return Math.max(1, applied);
  const factor = elapsedMs > 0 ? Math.min(2, Math.max(0.5, batchMs / elapsedMs)) : 2;
  // A batch that was not full does not tell how long a larger one would take.
  const grown = given < before ? Math.min(1, factor) : factor;
  return Math.min(maxBatch, Math.max(1, Math.round(before * grown)));
}

function messageOf(error: ConvexError<{ message?: string } | string>): string {
  const { data } = error;
  return typeof data === "string" ? data : (data.message ?? error.message);
}
