/**
 * Verifies or repairs aggregates one after the other, wherever the app runs, and shows their progress. A run belongs to its
 * aggregate: when the user interrupts the command, the run continues in the server, or when it is asked for again.
 */
import type { AggregateOverview, VerifyReport, VerifyResult } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { verifyResult } from "../../integrity/index.js";
import type { AggregateWork } from "../connection/connection.js";
import { quantity } from "../output/quantities.js";
import { pause } from "../output/terminal.js";
import type { ProgressRow } from "../output/progress.js";
import { joined, paceText, stateText } from "./aggregate-text.js";

export interface VerifyOptions {
  readonly repair: boolean;
  readonly show: (row: ProgressRow) => void;
  readonly interrupted: AbortSignal;
}

const intervalMs = 150;
/** How often in a row a run may be found at the same place with an error. The engine tries again after some errors. */
const maxHeldUp = 20;

/**
 * The results of all aggregates, or of those that were done when the user interrupted.
 *
 * @throws AGGREGATE_NOT_FOUND when one is gone; AGGREGATE_BUILD_FAILED when one cannot be built; AGGREGATE_VERIFY_FAILED when
 *   a run cannot go on.
 */
export async function verifyAggregates(
  work: AggregateWork,
  names: readonly string[],
  options: VerifyOptions,
): Promise<VerifyResult[]> {
  const results: VerifyResult[] = [];
  for (const name of names) {
    const overview = await whenBuilt(work, name, options);
    const result = overview && (await verifyOne(work, overview, options));
    if (result === null) break;
    results.push(result);
  }
  return results;
}

/** Waits until an aggregate is built; null when the user interrupted. */
async function whenBuilt(
  work: AggregateWork,
  name: string,
  { show, interrupted }: VerifyOptions,
): Promise<AggregateOverview | null> {
  await work.resume(name);
  while (!interrupted.aborted) {
    const row = (await work.list()).find((each) => each.name === name);
    if (row === undefined) {
      throw new TrueupError("AGGREGATE_NOT_FOUND", `There is no aggregate '${name}' any more.`, { name });
    }
    if (row.state === "ready") return row;
    if (row.error !== null) {
      throw new TrueupError(
        "AGGREGATE_BUILD_FAILED",
        `The aggregate '${name}' cannot be built: ${row.error}`,
        {
          name,
          documentId: row.errorDocumentId,
        },
      );
    }
    const { state, processed, total } = row;
    show({ name, step: state, processed, total, text: joined(stateText(row), paceText(row)) });
    await pause(intervalMs, interrupted);
  }
  return null;
}

/** Verifies one aggregate; null when the user interrupted. */
async function verifyOne(
  work: AggregateWork,
  { name, items }: AggregateOverview,
  { repair, show, interrupted }: VerifyOptions,
): Promise<VerifyResult | null> {
  const runId = await work.startVerify(name, { repair });
  const step = repair ? "repairing" : "verifying";
  let heldUp = 0;
  let checkedBefore = 0;
  while (!interrupted.aborted) {
    const report = await work.report(name, runId);
    if (report === null) throw runInterrupted(name, "the run is gone");
    if (report.error !== null) throw runInterrupted(name, report.error);
    const total = Math.max(2 * items, report.checked);
    show({ name, step, processed: report.checked, total, text: progressText(step, report, total) });
    if (report.isDone) return await verifyResult(name, report, (cursor) => work.report(name, runId, cursor));
    const error = (await work.list()).find((each) => each.name === name)?.error ?? null;
    heldUp = error === null || report.checked !== checkedBefore ? 0 : heldUp + 1;
    if (error !== null && heldUp === maxHeldUp) throw runInterrupted(name, error);
    checkedBefore = report.checked;
    await pause(intervalMs, interrupted);
  }
  return null;
}

/** How far a run is. It compares each item once, and each document once. */
function progressText(step: string, { checked, counts }: VerifyReport, total: number): string {
  const found = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const counted = `${step} ${quantity(checked)}/${quantity(total)}`;
  return found === 0 ? counted : `${counted}, ${quantity(found)} differences`;
}

function runInterrupted(name: string, reason: string): TrueupError {
  return new TrueupError("AGGREGATE_VERIFY_FAILED", `Verifying '${name}' was interrupted: ${reason}`, {
    name,
  });
}
