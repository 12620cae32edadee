/** Migrating the documents in quarantine again, each in a nested transaction of its own. */
import type { RetryResult } from "../status.js";
import { internal } from "./_generated/api.js";
import type { MutationCtx } from "./_generated/server.js";
import { callForDocument } from "./batch_call.js";
import { latestQuarantine, putAside, quarantined } from "./quarantine.js";
import type { MigrationRow } from "./rows.js";
import { busy } from "./start.js";
import { assignmentOf, save } from "./state.js";

/** So many documents are retried in one transaction. */
const atOnce = 20;

/**
 * Retries the documents put aside until `until` (default: all), the rest of many in further transactions.
 * Those that fail again stay, with the new error. Throws MIGRATION_BUSY while the migration is reverted.
 */
export async function retry(ctx: MutationCtx, row: MigrationRow, until?: number): Promise<RetryResult> {
  if (row.reverting !== undefined) throw busy(row);
  const last = until ?? (await latestQuarantine(ctx, row));
  if (last === null) return { migrated: 0, failed: 0, isDone: true };
  const entries = await quarantined(ctx, row, atOnce, last);
  const result: RetryResult = { migrated: 0, failed: 0, isDone: entries.length < atOnce };
  const assignment = await assignmentOf(ctx, row);
  for (const { _id, documentId } of entries) {
    const error = await callForDocument(ctx, assignment, documentId);
    if (error === null) {
      await ctx.db.delete("quarantine", _id);
      // Where its ranges have counted the failures, what is missing from them is counted here.
      row.failed = Math.max(row.isSplit === true ? -Infinity : 0, (row.failed ?? 0) - 1);
      result.migrated++;
    } else {
      await putAside(ctx, row, documentId, error);
      result.failed++;
    }
  }
  await save(ctx, row);
  if (!result.isDone) {
    await ctx.scheduler.runAfter(0, internal.lib.retryRest, { name: row.name, until: last });
  }
  return result;
}
