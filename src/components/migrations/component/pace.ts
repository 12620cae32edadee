/**
 * How large the next batch should be. It follows three signals: how much of the tightest transaction limit
 * the last batch used, how long it ran, and, where the clock stands still during a mutation, how long the
 * scheduler took from batch to batch, which bounds the time from above. A batch aims at a tenth of a second,
 * which is as long as others may have to wait for their turn, and at half of its share of the limits.
 */
import type { MigrationResult } from "../protocol.js";
import type { CurrentRun, Pace } from "./rows.js";

const aimMs = 100;
const aimShare = 0.5;
const largest = 8_192;
/** Between batches: below the first, batches may grow; above the second they shrink; above the last it tells nothing. */
const quickMs = 400;
const slowMs = 1_500;
const idleMs = 10_000;
/** An interval says little about the batch itself, so it never shrinks it below this. */
const smallestByInterval = 25;

/** The pace after a batch that went well. `run` is as it was before the batch. */
export function paceAfter(pace: Pace, result: MigrationResult, run: CurrentRun | undefined): Pace {
  const { batchSize, processed } = result;
  if (batchSize === undefined) return pace;
  if (result.adaptive !== true) {
    // A prescribed size: only recover from what was shrunk, the migration function bounds it.
    const recovered = (pace.batchSize ?? largest) * 2;
    return recovered > largest ? {} : { batchSize: recovered };
  }
  if (processed < batchSize && !result.isDone) return { batchSize: Math.max(1, processed) };
  const room = aimShare / Math.max(result.usedShare ?? 0, Number.EPSILON);
  const factor = Math.min(2, room, factorOfTime(batchSize, result.elapsedMs ?? 0, run));
  return { batchSize: Math.min(largest, Math.max(1, Math.round(batchSize * factor))) };
}

function factorOfTime(batchSize: number, elapsedMs: number, run: CurrentRun | undefined): number {
  if (elapsedMs > 0) return Math.max(0.5, aimMs / elapsedMs);
  if (run?.latestAt === undefined) return 1;
  const intervalMs = Date.now() - run.latestAt;
  if (intervalMs < quickMs) return 2;
  if (intervalMs < slowMs || intervalMs > idleMs || batchSize <= smallestByInterval) return 1;
  return 0.5;
}
