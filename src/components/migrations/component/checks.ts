/**
 * Checks: a whole migration rehearsed and rolled back batch by batch, or its documents verified. A check
 * is a chain of batches like a migration, but it changes nothing and stops at nothing. Of each kind the
 * latest is kept.
 */
import { migrationError } from "../failures.js";
import type { CheckStatus } from "../status.js";
import type { CheckArgs } from "./_generated/component.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import { dismiss, scheduleWorker } from "./chain.js";
import { noFindings } from "./findings.js";
import type { CheckRow, Findings } from "./rows.js";
import { findMigration, save } from "./state.js";
import { checkStatusOf } from "./status_of.js";

/** Starts a check in place of the latest of its kind. Throws MIGRATION_NOT_FOUND without a function. */
export async function startCheck(ctx: MutationCtx, args: CheckArgs): Promise<CheckStatus> {
  const { name, kind, startedBy } = args;
  const fnHandle = args.fnHandle ?? (await findMigration(ctx, name))?.fnHandle;
  if (fnHandle === undefined) {
    throw migrationError(
      "MIGRATION_NOT_FOUND",
      `Migration ${name} was never started; check it from the app.`,
      { name },
    );
  }
  await stopChecks(ctx, name, kind);
  const row = await create(ctx, {
    migration: name,
    fnHandle,
    startedAt: Date.now(),
    cursor: null,
    isDone: false,
    processed: 0,
    failures: [],
    ...noFindings(kind),
    ...(args.batchSize === undefined ? {} : { batchSize: args.batchSize }),
    ...(startedBy === undefined ? {} : { startedBy }),
  });
  await scheduleWorker(ctx, row, 0);
  await save(ctx, row);
  return checkStatusOf(ctx, row);
}

async function create(
  ctx: MutationCtx,
  fresh: Omit<CheckRow, "_id" | "_creationTime"> & Findings,
): Promise<CheckRow> {
  const row = await ctx.db.get("checks", await ctx.db.insert("checks", fresh));
  if (row === null) throw new Error("An inserted document can be read in its transaction.");
  return row;
}

/** Stops and forgets the checks of a migration. */
export async function stopChecks(ctx: MutationCtx, name: string, kind?: CheckRow["kind"]): Promise<void> {
  for (const row of await checksOf(ctx, name)) {
    if (kind !== undefined && row.kind !== kind) continue;
    await dismiss(ctx, row);
    await ctx.db.delete("checks", row._id);
  }
}

/** The latest check of each kind, of one migration or of all. */
export async function checksOf(ctx: Pick<QueryCtx, "db">, name: string | undefined): Promise<CheckRow[]> {
  const checks = ctx.db.query("checks");
  const some = name === undefined ? checks : checks.withIndex("migration", (q) => q.eq("migration", name));
  return some.take(1_000);
}
