/**
 * How the component gives its place back to `@convex-dev/migrations`, in the transaction of a deploy that changes the
 * import. Each job keeps the fields that the published component knows, and a job that is running goes on there from
 * where it stands. The other direction needs nothing, because what the published component stored is valid here. A
 * database that knows the brand finds the handover among the exports.
 *
 * The published component has no place for runs and documents in quarantine. A deploy that would lose them asks for a
 * waiver, as it does for any table.
 */
import { handoverBrand, type DeclaredHandover } from "../../../seams/index.js";
import { positionOf } from "../client/range/cursor.js";
import { api } from "./_generated/api.js";
import type { MutationCtx } from "./_generated/server.js";
import { migrationError } from "./failures.js";
import { given } from "./given.js";
import { isAlive, workerOf, type MigrationRow } from "./jobs/job.js";
import { openRanges } from "./jobs/ranges.js";

/**
 * Brings every job into the shape that both components know. The function that it returns starts again those that were running.
 */
async function leave(ctx: MutationCtx): Promise<(ctx: MutationCtx) => Promise<void>> {
  const rows: MigrationRow[] = await ctx.db.query("migrations").collect();
  const running: MigrationRow[] = [];
  for (const row of rows) {
    await refuseHalf(ctx, row);
    if (!row.isDone && isAlive(await workerOf(ctx, row))) running.push(row);
    await ctx.db.replace("migrations", row._id, publishedFields(row));
  }
  for (const { _id, name, state } of await ctx.db.system.query("_scheduled_functions").collect()) {
    // The published component starts a migration that is about to start.
    if (state.kind === "pending" && name !== "lib:migrate") await ctx.scheduler.cancel(_id);
  }
  return async (later) => {
    for (const row of running) await goOn(later, row);
  };
}

/** @throws MIGRATION_BUSY when one cursor does not tell how far the job is */
async function refuseHalf(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  const { name, reverting } = row;
  const ranges = await openRanges(ctx, row);
  if (ranges.length === 0 && reverting === undefined) return;
  const why =
    reverting === undefined
      ? "goes through several ranges at once, and the component that takes this one's place knows one place only"
      : "is being reverted, which the component that takes this one's place does not know";
  const message = `Migration ${name} ${why}: let it end (\`trueup migrations --watch\`), then deploy.`;
  throw migrationError("MIGRATION_BUSY", message, { name });
}

function publishedFields(row: MigrationRow): Omit<MigrationRow, "_id" | "_creationTime"> {
  const { name, isDone, processed, halted, latestStart, latestEnd, error } = row;
  return {
    name,
    cursor: publishedCursor(row.cursor),
    isDone,
    // For the published component, a migration that was undone was never begun.
    processed: halted === "reverted" ? 0 : processed,
    latestStart,
    ...given({ latestEnd, error }),
  };
}

/** In the published component, the database's own cursors have no marker. */
function publishedCursor(cursor: string | null): string | null {
  const position = positionOf(cursor);
  return position?.kind === "database" ? position.cursor : cursor;
}

async function goOn(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  const { _id, name, fnHandle, cursor, batchSize, next } = row;
  if (fnHandle === undefined) return;
  const workerId = await ctx.scheduler.runAfter(0, api.lib.migrate, {
    name,
    fnHandle,
    cursor: publishedCursor(cursor),
    dryRun: false,
    ...given({ batchSize, next }),
  });
  await ctx.db.patch("migrations", _id, { workerId });
}

/** The handover, which a database finds by its brand. */
export const handover: { readonly [handoverBrand]: DeclaredHandover } = {
  [handoverBrand]: {
    own: ["ranges", "runs"],
    other: ["migrations"],
    leave: { carries: ["migrations", "ranges", "checks"], begin: leave },
  },
};
