/**
 * Verifies or repairs aggregates one after the other, with their progress, wherever the app runs. A run is the aggregate's
 * own: interrupted here it goes on in the server, or when it is asked for again.
 */
import type { AggregateOverview, VerifyReport, VerifyResult } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { verifyResult } from "../../integrity/index.js";
import type { AggregateWork } from "../connection/connection.js";
import { quantity } from "../output/quantities.js";
import { pause } from "../output/terminal.js";
import { paceText, stateText } from "./aggregate-table.js";
import type { WorkRow } from "./work-display.js";

export interface VerifyOptions {
  readonly repair: boolean;
  readonly show: (row: WorkRow) => void;
  readonly interrupted: AbortSignal;
}

const intervalMs = 150;
/** How often in a row a run may be found held up by an error, at the same place: the engine tries some again. */
const maxHeldUp = 20;

/**
 * The results of all, or of those before the user interrupted.
 * @throws AGGREGATE_NOT_FOUND, AGGREGATE_BUILD_FAILED, AGGREGATE_VERIFY_FAILED
 */
export async function verifyAggregates(
  work: AggregateWork,
  names: readonly string[],
  options: VerifyOptions,
): Promise<VerifyResult[]> {
  const results: VerifyResult[] = [];
  for (const name of names) {
    const overview = await built(work, name, options);
    const result = overview && (await verified(work, overview, options));
    if (result === null) break;
    results.push(result);
  }
  return results;
}

/** Waits until it is built; null when the user interrupted. */
async function built(
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
    const text = [stateText(row), paceText(row)].filter((part) => part !== "").join(" ");
    show({ name, step: state, processed, total, text });
    await pause(intervalMs, interrupted);
  }
  return null;
}

async function verified(
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
    if (report === null) throw interruptedRun(name, "the run is gone");
    if (report.error !== null) throw interruptedRun(name, report.error);
    const total = Math.max(2 * items, report.checked);
    show({ name, step, processed: report.checked, total, text: progressText(step, report, total) });
    if (report.isDone) return await verifyResult(name, report, (cursor) => work.report(name, runId, cursor));
    const error = (await work.list()).find((each) => each.name === name)?.error ?? null;
    heldUp = error === null || report.checked !== checkedBefore ? 0 : heldUp + 1;
    if (error !== null && heldUp === maxHeldUp) throw interruptedRun(name, error);
    checkedBefore = report.checked;
    await pause(intervalMs, interrupted);
  }
  return null;
}

/** Each item is compared once, and each document. */
function progressText(step: string, { checked, counts }: VerifyReport, total: number): string {
  const found = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const counted = `${step} ${quantity(checked)}/${quantity(total)}`;
  return found === 0 ? counted : `${counted}, ${quantity(found)} differences`;
}

function interruptedRun(name: string, reason: string): TrueupError {
  return new TrueupError("AGGREGATE_VERIFY_FAILED", `Verifying '${name}' was interrupted: ${reason}`, {
    name,
  });
}
