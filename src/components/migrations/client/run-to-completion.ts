/** Running a whole migration from one action, batch after batch. */
import {
  createFunctionHandle,
  getFunctionAddress,
  getFunctionName,
  type FunctionHandle,
} from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import { migrationError } from "../failures.js";
import type { MigrationArgs, MigrationResult } from "../protocol.js";
import type { MigrationStatus } from "../status.js";
import { callerOf, type ActionCtx } from "./contexts.js";
import type { MigrationFunctionReference } from "./definition.js";

export interface RunToCompletionOptions {
  /** The migration's name, where `fnRef` is a handle, which does not tell it. */
  name?: string | undefined;
  /** null begins at the start, absent resumes; done migrations are left alone. */
  cursor?: string | null | undefined;
  batchSize?: number | undefined;
  dryRun?: boolean | undefined;
}

/**
 * Runs a migration until it is done, and only as long as the calling action lives. If it is running
 * already, resolves with its status at once.
 * Throws what failed, MIGRATION_STUCK if a batch makes no progress, and for a dry run the ConvexError "DRY RUN".
 */
export async function runToCompletion(
  ctx: ActionCtx,
  component: ComponentApi,
  fnRef: MigrationFunctionReference | FunctionHandle<"mutation", MigrationArgs, MigrationResult>,
  opts: RunToCompletionOptions = {},
): Promise<MigrationStatus> {
  const { name = getFunctionName(fnRef), batchSize, dryRun = false } = opts;
  const address: { functionHandle?: string } = getFunctionAddress(fnRef);
  const fnHandle = address.functionHandle ?? (await createFunctionHandle(fnRef));
  const startedBy = await callerOf(ctx);
  let { cursor } = opts;
  for (;;) {
    const status = await ctx.runMutation(component.lib.migrate, {
      name,
      fnHandle,
      dryRun,
      oneBatchOnly: true,
      startedBy,
      ...(cursor === undefined ? {} : { cursor }),
      ...(batchSize === undefined ? {} : { batchSize }),
    });
    if (status.isDone || status.state === "inProgress") return status;
    if (status.error !== undefined) throw new Error(status.error);
    if (!status.cursor || status.cursor === cursor) {
      throw migrationError("MIGRATION_STUCK", `Migration ${name} made no progress.`, {
        name,
        cursor: cursor ?? null,
      });
    }
    cursor = status.cursor;
  }
}
