/** Beginning a check, and reading what it has found. */
import { runMutation } from "../call.js";
import type { StartVerifyOptions, VerifyReport } from "../../../../seams/index.js";
import type { Source, StatusCtx, FollowCtx } from "../managed/types.js";

/** What runs are asked about: with a definition, those of a managed aggregate. */
export type ReportedSource = Pick<Source, "component"> & { readonly definition?: string };

/**
 * Begins a check, which `advanceRun` carries out. Returns the run's id; that of the run under way when there is one that does
 * as much. @throws AGGREGATE_BUILDING when there is nothing to check yet.
 */
export async function startVerify(
  ctx: FollowCtx,
  { component, definition }: ReportedSource,
  { repair = false, startedBy = "" }: StartVerifyOptions = {},
): Promise<string> {
  return await runMutation(ctx, component.verification.start, {
    repair,
    startedBy,
    ...(definition === undefined ? {} : { definition }),
  });
}

/** What a run, by default the latest, has found so far, a page of its differences at a time; null when there is no run. */
export async function readReport(
  ctx: StatusCtx,
  { component, definition }: ReportedSource,
  runId?: string,
  cursor?: string,
): Promise<VerifyReport | null> {
  const found = await ctx.runQuery(component.verification.report, {
    ...(definition === undefined ? {} : { definition }),
    ...(runId === undefined ? {} : { runId }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  if (found === null) return null;
  const { status, startedBy, failure, checked, ...report } = found;
  return {
    ...report,
    startedBy: startedBy === "" ? null : startedBy,
    isDone: status !== "running",
    checked: checked.documents + checked.items,
    error: failure?.message ?? null,
    errorDocumentId: failure?.documentId ?? null,
  };
}
