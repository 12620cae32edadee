/**
 * How large the next batch should be, and when it comes. The size follows three signals: how much of the tightest
 * transaction limit the last batch used, how long it took with its commit, and, where the clock stands still during a
 * mutation, how long the scheduler took from batch to batch, which bounds the time from above. A batch that nobody waits for
 * aims at a twentieth of a second and at half of its share of the limits; what each batch costs beside its documents is then
 * little of it. While others wait for their turns, and for a while after, a batch aims at as long as they should wait, which
 * bounds a prescribed size as well. Sizes double until a batch has had to end early; from then on they grow slowly. After a
 * failure the next batch is smaller.
 */
import type { Job, JobRow } from "../jobs/job.js";
import { sharedTurnMs, type MigrationResult } from "../protocol.js";
import type { Culprit, Failure } from "./batch_call.js";

type Pace = NonNullable<JobRow["pace"]>;

const aimMs = 50;
const doubling = 2;
const slowGrowth = 1.2;
const aimShare = 0.5;
const largest = 8_192;
/** A batch of unknown size is taken for one of this size when it has to shrink. */
const presumedSize = 128;
/**
 * An interval between batches below the first lets them grow, one above the second shrinks them, one above the last tells
 * nothing.
 */
const quickMs = 400;
const slowMs = 1_500;
const idleMs = 10_000;
/** An interval says little about the batch itself, so it never shrinks it below this. */
const smallestByInterval = 25;

/** The pace after a batch that went well. With `isThrottled` it had to wait for a rate, so that its interval tells nothing. */
export function paceAfter(pace: Pace, result: MigrationResult, isThrottled: boolean): Pace {
  const latestAt = Date.now();
  const batchSize = nextSize(pace, result, isThrottled);
  if (batchSize === undefined) return { latestAt };
  const endedEarly = result.adaptive === true && result.processed < (result.batchSize ?? 0);
  return { batchSize, latestAt, ...(endedEarly || pace.isSteady === true ? { isSteady: true } : {}) };
}

function nextSize(pace: Pace, result: MigrationResult, isThrottled: boolean): number | undefined {
  const { batchSize, processed } = result;
  if (batchSize === undefined) return pace.batchSize;
  if (result.adaptive !== true && result.isShared !== true) {
    // Somebody prescribed the size. It only recovers from what was shrunk, and the migration function bounds it.
    const recovered = (pace.batchSize ?? largest) * 2;
    return recovered > largest ? undefined : recovered;
  }
  if (processed < batchSize && !result.isDone) return Math.max(1, processed);
  const room = aimShare / Math.max(result.usedShare ?? 0, Number.EPSILON);
  const latestAt = isThrottled ? undefined : pace.latestAt;
  const growth = pace.isSteady === true ? slowGrowth : doubling;
  const factor = Math.min(
    growth,
    room,
    factorOfTime(batchSize, result.tookMs ?? 0, result.isShared === true ? sharedTurnMs : aimMs, latestAt),
  );
  return Math.min(largest, Math.max(1, Math.ceil(batchSize * factor)));
}

function factorOfTime(
  batchSize: number,
  tookMs: number,
  wantedMs: number,
  latestAt: number | undefined,
): number {
  if (tookMs > 0) return Math.max(0.5, wantedMs / tookMs);
  if (latestAt === undefined) return 1;
  const intervalMs = Date.now() - latestAt;
  if (intervalMs < quickMs) return 2;
  if (intervalMs < slowMs || intervalMs > idleMs || batchSize <= smallestByInterval) return 1;
  return 0.5;
}

/** How many milliseconds the next batch has to wait after one that processed so many documents and began at `beganAt`. */
export function delayMsAfter(rate: number | undefined, processed: number, beganAt: number): number {
  return rate === undefined ? 0 : Math.max(0, (processed / rate) * 1000 - (Date.now() - beganAt));
}

/** The pace to try next after a failure, or null when the batch cannot be made smaller or that would not help. */
export function smallerBatch(outcome: Failure, batchSize: number | undefined, job: Job): Pace | null {
  const wasAlone = job.row.pace?.alone === true;
  switch (outcome.kind) {
    case "refused":
      return null;
    case "tooLarge":
      return { batchSize: Math.max(1, outcome.fits) };
    case "document":
      if (!outcome.isLimit) return stepToward(outcome.culprit, batchSize, job);
      if (outcome.culprit.position > 0) return { batchSize: outcome.culprit.position };
      return wasAlone ? null : { batchSize: 1, alone: true };
    case "batch":
      if (batchSize !== 1) return { batchSize: Math.ceil((batchSize ?? presumedSize) / 2) };
      return outcome.isLimit && !wasAlone ? { batchSize: 1, alone: true } : null;
  }
}

/** Before a document that will be put aside comes what stands before it, then the document as a batch of its own. */
function stepToward(
  { position, skipCursor, onError }: Culprit,
  batchSize: number | undefined,
  job: Job,
): Pace | null {
  if (!job.putsAside(onError)) return null;
  if (position > 0) return { batchSize: position };
  return skipCursor === null && batchSize !== 1 ? { batchSize: 1 } : null;
}
