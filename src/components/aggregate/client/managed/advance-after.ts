/** Says how to go on after a step of the work on an aggregate. */
import type { Advance } from "../../../../seams/index.js";
import type { Source, StatusCtx } from "./types.js";

/** How long to wait before a build that failed is tried again, in case that its document was mended. */
const retryMs = 30_000;

/** There is always another step to come, which finds out whether anything is due. */
export async function advanceAfter(
  ctx: StatusCtx,
  { component, definition }: Pick<Source, "component" | "definition">,
  waitMs?: number,
): Promise<Advance> {
  const { state, hasFailed } = await ctx.runQuery(component.managed.standing, { definition });
  const after = hasFailed ? retryMs : waitMs;
  return { due: true, ...(after !== undefined && { waitMs: after }), state, hasFailed };
}
