/**
 * The job of a migration, and the jobs of the ranges that it goes through at once, which leave to it what concerns all of them.
 */
import { api } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { given } from "../given.js";
import type { MigrationResult, OnError, Target } from "../protocol.js";
import {
  dismissWorker,
  findMigration,
  Job,
  scheduleWorker,
  type MigrationRow,
  type RangeRow,
} from "./job.js";
import { forgetQuarantine, putAside, quarantinedIds } from "./quarantine.js";
import { dismissAll, openRanges, rangesOf, split, startRange, unite } from "./ranges.js";
import { closeRun } from "./runs.js";

export class MigrationJob extends Job<MigrationRow> {
  get name(): string {
    return this.row.name;
  }

  get rate(): number | undefined {
    return this.row.maxDocumentsPerSecond ?? this.row.policy?.maxDocumentsPerSecond;
  }

  async request(
    ctx: MutationCtx,
  ): Promise<{ kind: "migrate" } | { kind: "revert"; ids: string[]; until?: string }> {
    const { name, reverting } = this.row;
    if (reverting === undefined) return { kind: "migrate" };
    const { epoch, until } = reverting;
    const ids = await quarantinedIds(ctx, name, epoch);
    return { kind: "revert", ids, ...(until === undefined ? {} : { until }) };
  }

  async record(ctx: MutationCtx, { policy, isDone }: MigrationResult): Promise<void> {
    const { row } = this;
    row.policy = policy ?? {};
    if (row.run !== undefined) {
      const now = Date.now();
      const first = row.run.firstAt === undefined ? { firstAt: now, firstProcessed: row.processed } : {};
      row.run = { ...row.run, ...first, latestAt: now };
    }
    if (isDone) await this.complete(ctx);
  }

  /** Records that the whole range has been gone through: the migration is done, or undone. */
  async complete(ctx: MutationCtx): Promise<void> {
    const { row } = this;
    if (row.reverting === undefined) {
      row.latestEnd ??= Date.now();
    } else {
      await forgetQuarantine(ctx, row.name, row.epoch ?? 0);
      row.cursor = null;
      row.isDone = false;
      row.halted = "reverted";
      delete row.reverting;
      delete row.range;
    }
    await closeRun(ctx, row, "done");
  }

  putsAside(onError: OnError | undefined): boolean {
    return this.row.reverting === undefined && (this.row.onError ?? onError) === "quarantine";
  }

  async putAside(ctx: MutationCtx, documentId: string, error: string): Promise<void> {
    await putAside(ctx, this.row, documentId, error);
  }

  override async proceed(ctx: MutationCtx, delayMs: number, splits: readonly string[] = []): Promise<void> {
    if (splits.length === 0) return scheduleWorker(ctx, this.row, delayMs);
    // From here on the ranges have workers of their own, and the migration itself has none.
    await dismissWorker(ctx, this.row);
    for (const range of await split(ctx, this.row, splits)) await startRange(ctx, range);
  }

  async fail(ctx: MutationCtx): Promise<void> {
    await closeRun(ctx, this.row, "failed");
  }

  async cancel(ctx: MutationCtx): Promise<void> {
    this.row.halted = "canceled";
    await closeRun(ctx, this.row, "canceled");
  }

  async end(ctx: MutationCtx): Promise<void> {
    if (!this.row.isDone) return;
    const { name, next = [], resetsNext, batchSize } = this.row;
    const successor = await startSuccessor(ctx, next, resetsNext === true, batchSize);
    console.info(`Migration ${name} is done.${successor === null ? "" : ` Next: ${successor}`}`);
  }

  async save(ctx: MutationCtx): Promise<void> {
    await ctx.db.replace("migrations", this.row._id, this.row);
  }
}

/**
 * Starts the first of `next` that is not done (with `reset`: the first) and leaves the others to it.
 * Resolves with its name, null when there is none.
 */
export async function startSuccessor(
  ctx: MutationCtx,
  next: readonly Target[],
  reset: boolean,
  batchSize: number | undefined,
): Promise<string | null> {
  for (const [i, { name, fnHandle }] of next.entries()) {
    const found = await findMigration(ctx, name);
    if (found?.isDone === true && !reset) continue;
    await ctx.scheduler.runAfter(0, api.lib.migrate, {
      name,
      fnHandle,
      dryRun: false,
      next: next.slice(i + 1),
      ...given({ batchSize }),
      ...(reset ? { reset, cursor: null } : {}),
    });
    return name;
  }
  return null;
}

/** The job of one of the ranges. When it ends, it tells the migration and stores the migration's row. */
export class RangeJob extends Job<RangeRow> {
  readonly #migration: MigrationJob;
  readonly rate: number | undefined;

  /** @param rate Its share of what the migration may do. */
  constructor(row: RangeRow, migration: MigrationJob, rate: number | undefined) {
    super(row);
    this.#migration = migration;
    this.rate = rate;
  }

  get name(): string {
    return this.row.migration;
  }

  async request(ctx: MutationCtx): ReturnType<Job["request"]> {
    const { until } = this.row;
    return { ...(await this.#migration.request(ctx)), ...(until === undefined ? {} : { end: until }) };
  }

  /** A range that is open at its end keeps its place there: when the others are done, new documents may stand behind it. */
  override placeBehind({ isDone, processed, lastCursor, continueCursor }: MigrationResult): string | null {
    const { cursor, until } = this.row;
    if (!isDone || until !== undefined) return continueCursor;
    return processed === 0 ? cursor : (lastCursor ?? continueCursor);
  }

  async record(): Promise<void> {}

  putsAside(onError: OnError | undefined): boolean {
    return this.#migration.putsAside(onError);
  }

  async putAside(ctx: MutationCtx, documentId: string, error: string): Promise<void> {
    await this.#migration.putAside(ctx, documentId, error);
  }

  async fail(): Promise<void> {}

  async cancel(ctx: MutationCtx): Promise<void> {
    await this.#migration.cancel(ctx);
    await dismissAll(ctx, this.#migration.row);
    await this.#migration.save(ctx);
  }

  async end(ctx: MutationCtx): Promise<void> {
    await (this.row.isDone ? this.#endDone(ctx) : this.#endFailed(ctx));
  }

  /** The last range to be done completes the migration. */
  async #endDone(ctx: MutationCtx): Promise<void> {
    const migration = this.#migration;
    const ranges = await rangesOf(ctx, migration.row);
    if (ranges.some(({ isDone }) => !isDone)) return;
    if (this.row.until !== undefined && migration.row.reverting === undefined) {
      // The range that is open at its end may have ended long before: documents were inserted since.
      const last = ranges.find(({ until }) => until === undefined);
      if (last !== undefined) return startRange(ctx, { ...last, isDone: false });
    }
    await unite(ctx, migration.row);
    migration.row.isDone = true;
    await migration.complete(ctx);
    await migration.save(ctx);
    await migration.end(ctx);
  }

  /** A range that failed stops the others. */
  async #endFailed(ctx: MutationCtx): Promise<void> {
    const { error, errorDocumentId } = this.row;
    const { row } = this.#migration;
    Object.assign(row, given({ error, errorDocumentId }));
    await dismissAll(ctx, row);
    await this.#migration.fail(ctx);
    await this.#migration.save(ctx);
  }

  async save(ctx: MutationCtx): Promise<void> {
    await ctx.db.replace("ranges", this.row._id, this.row);
  }
}

/** The job of a range, with its share of the rate that its migration may do. */
export async function rangeJob(ctx: MutationCtx, row: RangeRow, owner: MigrationRow): Promise<RangeJob> {
  const migration = new MigrationJob(owner);
  const { rate } = migration;
  const share = rate === undefined ? undefined : rate / Math.max(1, (await openRanges(ctx, owner)).length);
  return new RangeJob(row, migration, share);
}
