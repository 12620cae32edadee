/**
 * How large the next batch should be, and when. The size follows three signals: how much of the tightest
 * transaction limit the last batch used, how long it ran, and, where the clock stands still during a
 * mutation, how long the scheduler took from batch to batch, which bounds the time from above. A batch aims
 * at a twentieth of a second, which is as long as others may have to wait for their turn, and at half of its
 * share of the limits. Sizes double, until a batch had to end early: from then on they feel their way up.
 */
import type { MigrationResult } from "../protocol.js";
import type { MigrationRow, Pace } from "./rows.js";

const aimMs = 50;
const doubling = 2;
const feeling = 1.2;
const aimShare = 0.5;
const largest = 8_192;
/** Between batches: below the first, batches may grow; above the second they shrink; above the last it tells nothing. */
const quickMs = 400;
const slowMs = 1_500;
const idleMs = 10_000;
/** An interval says little about the batch itself, so it never shrinks it below this. */
const smallestByInterval = 25;

/** The pace after a batch that went well. @param isThrottled When it had to wait for a rate, its interval tells nothing. */
export function paceAfter(pace: Pace, result: MigrationResult, isThrottled: boolean): Pace {
  const latestAt = Date.now();
  const batchSize = nextSize(pace, result, isThrottled);
  if (batchSize === undefined) return { latestAt };
  const endedEarly = result.adaptive === true && result.processed < (result.batchSize ?? 0);
  return { batchSize, latestAt, ...(endedEarly || pace.isSteady === true ? { isSteady: true } : {}) };
}

function nextSize(pace: Pace, result: MigrationResult, throttled: boolean): number | undefined {
  const { batchSize, processed } = result;
  if (batchSize === undefined) return pace.batchSize;
  if (result.adaptive !== true) {
    // A prescribed size: only recover from what was shrunk, the migration function bounds it.
    const recovered = (pace.batchSize ?? largest) * 2;
    return recovered > largest ? undefined : recovered;
  }
  if (processed < batchSize && !result.isDone) return Math.max(1, processed);
  const room = aimShare / Math.max(result.usedShare ?? 0, Number.EPSILON);
  const latestAt = throttled ? undefined : pace.latestAt;
  const growth = pace.isSteady === true ? feeling : doubling;
  const factor = Math.min(growth, room, factorOfTime(batchSize, result.elapsedMs ?? 0, latestAt));
  return Math.min(largest, Math.max(1, Math.ceil(batchSize * factor)));
}

function factorOfTime(batchSize: number, elapsedMs: number, latestAt: number | undefined): number {
  if (elapsedMs > 0) return Math.max(0.5, aimMs / elapsedMs);
  if (latestAt === undefined) return 1;
  const intervalMs = Date.now() - latestAt;
  if (intervalMs < quickMs) return 2;
  if (intervalMs < slowMs || intervalMs > idleMs || batchSize <= smallestByInterval) return 1;
  return 0.5;
}

/** The rate that a migration must not exceed, if there is one. */
export function maxDocumentsPerSecond(row: MigrationRow): number | undefined {
  return row.maxDocumentsPerSecond ?? row.policy?.maxDocumentsPerSecond;
}

/** How long the next batch has to wait after one that processed so many documents and began at `beganAt`. */
export function delayMsAfter(rate: number | undefined, processed: number, beganAt: number): number {
  return rate === undefined ? 0 : Math.max(0, (processed / rate) * 1000 - (Date.now() - beganAt));
}
