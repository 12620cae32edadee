/**
 * Several disjoint ranges of one migration at once. The first batch says where to divide; from then on each range is a
 * job of its own, and the migration's own job only has what is said of all: who started it, how it runs, whether
 * it was halted, why it failed. Workers write their own range, so they never wait for each other; the last to end
 * adds everything up and takes the ranges away, so that what is done is the same as if it had been one.
 */
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import type { CurrentRun, MigrationRow, RangeRow } from "./rows.js";

type Counters = CurrentRun["before"];

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

/** Those that are not done. */
export async function openRanges(ctx: Pick<QueryCtx, "db">, row: MigrationRow): Promise<RangeRow[]> {
  return (await rangesOf(ctx, row)).filter(({ isDone }) => !isDone);
}

/** Divides what is behind the migration's cursor at these places; resolves with the ranges. */
export async function split(ctx: MutationCtx, row: MigrationRow, places: string[]): Promise<RangeRow[]> {
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
    ...(until === undefined ? {} : { until }),
    ...(fnHandle === undefined ? {} : { fnHandle }),
    ...(range === undefined ? {} : { range }),
    ...(pace === undefined ? {} : { pace }),
  });
}

/** Turns ranges that were gone through in part into those that a revert has to go through. */
export async function reverseRanges(ctx: MutationCtx, row: MigrationRow): Promise<void> {
  if (row.isSplit !== true) return;
  for (const range of await rangesOf(ctx, row)) {
    await ctx.db.delete("ranges", range._id);
    const until = range.isDone ? range.until : (range.cursor ?? undefined);
    if (range.isDone || range.cursor !== range.from) await createRange(ctx, row, range.from, until);
  }
  // What the first batch had done before it was divided.
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
