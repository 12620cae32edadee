/**
 * Checks: a whole migration that is rehearsed and rolled back batch by batch, or its documents that are verified. A
 * check is a chain of batches like a migration, but it changes nothing and stops at nothing. Of each kind the latest is
 * kept. The counts of what it finds are whole; of examples only the first are kept.
 */
import { migrationError } from "../failures.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { given } from "../given.js";
import type { CheckArgs, CheckKind, MigrationResult } from "../protocol.js";
import type { Rehearsal, Verification } from "../status.js";
import { dismissWorker, findMigration, Job, scheduleWorker, type CheckRow } from "./job.js";

const keptExamples = 20;

export class CheckJob extends Job<CheckRow> {
  readonly rate: undefined;

  get name(): string {
    return this.row.migration;
  }

  async request(): Promise<{ kind: CheckKind }> {
    return { kind: this.row.kind };
  }

  async record(_ctx: MutationCtx, { violations }: MigrationResult, rehearsal?: Rehearsal): Promise<void> {
    const { row } = this;
    if ("violated" in row.findings) row.findings = withViolations(row.findings, violations ?? []);
    else if (rehearsal !== undefined) row.findings = sumOf(row.findings, rehearsal);
    if (row.isDone) row.endedAt = Date.now();
  }

  putsAside(): boolean {
    return true;
  }

  async putAside(_ctx: MutationCtx, documentId: string, error: string): Promise<void> {
    const { row } = this;
    if (row.failures.length < keptExamples) row.failures = [...row.failures, { documentId, error }];
  }

  async fail(): Promise<void> {
    this.row.endedAt = Date.now();
  }

  async cancel(): Promise<void> {
    this.row.halted = "canceled";
  }

  async end(): Promise<void> {}

  async save(ctx: MutationCtx): Promise<void> {
    await ctx.db.replace("checks", this.row._id, this.row);
  }
}

/** Starts a check in place of the latest of its kind. @throws MIGRATION_NOT_FOUND when nobody says which function it is */
export async function startCheck(ctx: MutationCtx, args: CheckArgs): Promise<CheckRow> {
  const { name, kind, startedBy, batchSize } = args;
  const fnHandle = args.fnHandle ?? (await findMigration(ctx, name))?.fnHandle;
  if (fnHandle === undefined) {
    const message = `Migration ${name} was never started; check it from the app.`;
    throw migrationError("MIGRATION_NOT_FOUND", message, { name });
  }
  await stopChecks(ctx, name, kind);
  const id = await ctx.db.insert("checks", {
    migration: name,
    kind,
    fnHandle,
    startedAt: Date.now(),
    cursor: null,
    isDone: false,
    processed: 0,
    failures: [],
    findings: noFindings(kind),
    ...given({ batchSize, startedBy }),
  });
  const row = await ctx.db.get("checks", id);
  if (row === null) throw new Error("An inserted document can be read in its transaction.");
  await scheduleWorker(ctx, row, 0);
  await ctx.db.replace("checks", id, row);
  return row;
}

/** Stops and forgets the checks of a migration, all or those of one kind. */
export async function stopChecks(ctx: MutationCtx, name: string, kind?: CheckKind): Promise<void> {
  for (const row of await checksOf(ctx, name)) {
    if (kind !== undefined && row.kind !== kind) continue;
    await dismissWorker(ctx, row);
    await ctx.db.delete("checks", row._id);
  }
}

/** The latest check of each kind, of one migration or of all. */
export async function checksOf(ctx: Pick<QueryCtx, "db">, name: string | undefined): Promise<CheckRow[]> {
  const checks = ctx.db.query("checks");
  const some = name === undefined ? checks : checks.withIndex("migration", (q) => q.eq("migration", name));
  return some.take(1_000);
}

function noFindings(kind: CheckKind): CheckRow["findings"] {
  if (kind === "verify") return { violated: 0, examples: [] };
  const counts = { changed: 0, unchanged: 0, changes: {}, otherWrites: {}, notIdempotent: 0 };
  return { ...counts, examples: [], notIdempotentExamples: [] };
}

function withViolations(found: Verification, violations: readonly string[]): Verification {
  return {
    violated: found.violated + violations.length,
    examples: [...found.examples, ...violations].slice(0, keptExamples),
  };
}

function sumOf(a: Rehearsal, b: Rehearsal): Rehearsal {
  return {
    changed: a.changed + b.changed,
    unchanged: a.unchanged + b.unchanged,
    changes: addedUp(a.changes, b.changes),
    otherWrites: addedUp(a.otherWrites, b.otherWrites),
    examples: [...a.examples, ...b.examples].slice(0, keptExamples),
    notIdempotent: a.notIdempotent + b.notIdempotent,
    notIdempotentExamples: [...a.notIdempotentExamples, ...b.notIdempotentExamples].slice(0, keptExamples),
  };
}

function addedUp(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a };
  for (const [what, count] of Object.entries(b)) sum[what] = (sum[what] ?? 0) + count;
  return sum;
}
