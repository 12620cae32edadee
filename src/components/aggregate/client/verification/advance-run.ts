/** One transaction's worth of a check. */
import type { AdvanceCtx, Source } from "../managed/types.js";

/** Goes on with a run of a generation. `due` is false when the run is over. */
export function advanceRun(
  _ctx: AdvanceCtx,
  _source: Source,
  _run: { runId: string; generation: number },
): Promise<{ due: boolean; waitMs?: number }> {
  return Promise.resolve({ due: false });
}
