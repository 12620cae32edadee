/** A batch that is rolled back: what it would do, told by the error that ends its transaction. */
import { ConvexError, type Value } from "convex/values";
import { dryRunData, messageOf } from "../failures.js";
import type { MigrationArgs, MigrationResult } from "../protocol.js";
import type { MigrationStatus } from "../status.js";
import type { MutationCtx } from "./_generated/server.js";
import type { MigrationFunctionHandle } from "./batch_call.js";
import type { MigrationRow } from "./rows.js";

/** Runs a batch and rolls it back; resolves with the error to throw, whose data has the status it would reach. */
export async function dryRun(
  ctx: MutationCtx,
  row: MigrationRow,
  statusOf: (row: MigrationRow) => Promise<MigrationStatus>,
): Promise<ConvexError<Value>> {
  let rehearsal: unknown;
  if (!row.isDone) {
    const args: MigrationArgs = { cursor: row.cursor, oneBatchOnly: true, dryRun: true };
    if (row.batchSize !== undefined) args.batchSize = row.batchSize;
    try {
      await ctx.runMutation(row.fnHandle as MigrationFunctionHandle, args);
    } catch (error) {
      const found = dryRunData(error);
      if (found === null) row.error = messageOf(error);
      else rehearsal = found["rehearsal"];
      if (found !== null) apply(row, found["result"] as MigrationResult);
    }
  }
  const status = await statusOf(row);
  return new ConvexError<Value>({
    kind: "DRY RUN",
    status,
    ...(rehearsal === undefined ? {} : { rehearsal: rehearsal as Value }),
  });
}

function apply(row: MigrationRow, result: MigrationResult): void {
  row.cursor = result.continueCursor;
  row.isDone = result.isDone;
  row.processed += result.processed;
  if (result.isDone) row.latestEnd ??= Date.now();
}
