/** Tells of aggregates that are being built in this process: a line every few seconds, and one at the end. */
import type { AggregateProgress, Aggregates } from "../../backend/index.js";
import type { Output } from "../output/terminal.js";
import { paceText, stateText } from "./aggregate-table.js";

const intervalMs = 2_000;

/** Returns how to stop. What is ready already, or at once, is not worth a line. */
export function announceBuilds(aggregates: Pick<Aggregates, "onProgress">, output: Output): () => void {
  const told = new Map<string, { readonly state: string; readonly atMs: number }>();
  return aggregates.onProgress((progress) => {
    const { name, state } = progress;
    const last = told.get(name);
    const nowMs = performance.now();
    if (last === undefined && state === "ready") return;
    if (last?.state === state && nowMs - last.atMs < intervalMs) return;
    if (state === "ready") told.delete(name);
    else told.set(name, { state, atMs: nowMs });
    output.line(`aggregate ${lineOf(progress)}`);
  });
}

/** `byScore building 12,000/231,083 3,400/s, 1m 04s left`. */
function lineOf(progress: AggregateProgress): string {
  return [progress.name, stateText(progress), paceText(progress)].filter((part) => part !== "").join(" ");
}
