/**
 * Several disjoint ranges of one migration at once. The first batch says where to divide; from then on each range is a
 * job of its own, and the migration's own job only has what is said of all: who started it, how it runs, whether
 * it was halted, why it failed. Workers write their own range, so they never wait for each other. The last range to end
 * adds everything up and takes the ranges away, so that a migration that is done looks the same as if it had been one range.
 */
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { given } from "../given.js";
import type { Counters } from "../status.js";
import { dismissWorker, scheduleWorker, type MigrationRow, type RangeRow } from "./job.js";

/** The ranges of a migration, from the first to the last; none when it is not split. */
export async function rangesOf(
  ctx: Pick<QueryCtx, "db">,
  { name, isSplit }: Pick<MigrationRow, "name" | "isSplit">,
): Promise<RangeRow[]> {
  if (isSplit !== true) return [];
  return ctx.db
    .query("ranges")
    .withIndex("migration", (q) => q.eq("migration", name))
    .collect();
}

/** The ranges that are not done. */
export async function openRanges(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<RangeRow[]> {
  return (await rangesOf(ctx, row)).filter(({ isDone }) => !isDone);
}

/** Divides what is behind the migration's cursor at these places. Resolves with the ranges. */
export async function split(
  ctx: MutationCtx,
  row: MigrationRow,
  places: readonly string[],
): Promise<RangeRow[]> {
  row.isSplit = true;
  const starts = [row.cursor, ...places];
  for (const [i, from] of starts.entries()) await createRange(ctx, row, from, places[i]);
  return rangesOf(ctx, row);
}

async function createRange(
  ctx: MutationCtx,
  { name, fnHandle, range, pace }: MigrationRow,
  from: string | null,
  until: string | undefined,
): Promise<void> {
  await ctx.db.insert("ranges", {
    migration: name,
    from,
    cursor: from,
    isDone: false,
    processed: 0,
    total: null,
    ...given({ until, fnHandle, range, pace }),
  });
}

/** What a range does not take over from an interrupted run. */
const leftovers = ["pace", "deaths", "error", "errorDocumentId", "failedInARow"] as const;

/** Schedules the next batch of a migration, or of each of its ranges that is not done. */
export async function scheduleAll(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  if (row.isSplit !== true) return scheduleWorker(ctx, row, 0);
  for (const range of await openRanges(ctx, row)) {
    for (const field of leftovers) delete range[field];
    await startRange(ctx, range);
  }
}

/** Schedules the next batch of a range. */
export async function startRange(ctx: MutationCtx, range: RangeRow): Promise<void> {
  await scheduleWorker(ctx, range, 0);
  await ctx.db.replace("ranges", range._id, range);
}

/** Ends the chain of a migration, or those of all its ranges. */
export async function dismissAll(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  await dismissWorker(ctx, row);
  for (const range of await openRanges(ctx, row)) {
    await dismissWorker(ctx, range);
    await ctx.db.replace("ranges", range._id, range);
  }
}

/** Turns ranges that were gone through in part into those that a revert has to go through. */
export async function reverseRanges(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  if (row.isSplit !== true) return;
  for (const range of await rangesOf(ctx, row)) {
    await ctx.db.delete("ranges", range._id);
    const until = range.isDone ? range.until : (range.cursor ?? undefined);
    if (range.isDone || range.cursor !== range.from) await createRange(ctx, row, range.from, until);
  }
  // This is what the first batch had done before the rest was divided.
  if (row.cursor !== null) await createRange(ctx, row, null, row.cursor);
}

/** Forgets the ranges of a migration that begins anew. */
export async function forgetRanges(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  for (const { _id } of await rangesOf(ctx, row)) await ctx.db.delete("ranges", _id);
  delete row.isSplit;
}

/** Adds what the ranges have counted to the migration's own job, and takes them away. */
export async function unite(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  const { processed, ...counters } = addedUp(row, await rangesOf(ctx, row));
  row.processed = processed;
  Object.assign(row, counters);
  await forgetRanges(ctx, row);
}

/** What a migration has counted with all of its ranges. */
export async function countersOf(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<Counters> {
  return addedUp(row, await rangesOf(ctx, row));
}

/** The sums of a migration's counters and those of its ranges. */
export function addedUp(row: MigrationRow, ranges: readonly RangeRow[]): Counters {
  const sum = (of: (each: MigrationRow | RangeRow) => number | undefined): number =>
    [row, ...ranges].reduce((total, each) => total + (of(each) ?? 0), 0);
  return {
    processed: sum(({ processed }) => processed),
    skipped: sum(({ skipped }) => skipped),
    failed: sum(({ failed }) => failed),
    batches: sum(({ batches }) => batches),
  };
}
