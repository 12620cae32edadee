/**
 * What `trueup migrations` lists, as rows of one shape: the migrations that the component's `lib:getStatus` tells of, and
 * what still goes on behind deploys that changed schemas. `trueup/migrations` knows total, rate and time left;
 * `@convex-dev/migrations` does not, so its rate is computed from what it does tell.
 */
import type { Value } from "convex/values";
import type { SchemaChanges } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import type { Connection } from "../connection/connection.js";

export interface MigrationRow {
  readonly name: string;
  /** Absent for a migration. */
  readonly kind?: "transform" | "schema";
  /** `inProgress`, `success`, `failed`, `canceled`, `paused`, `reverted` or `unknown`; `prepared`; `pending` for a schema. */
  readonly state: string;
  readonly processed: number;
  readonly total?: number;
  /** Of the processed documents: those that needed no change, and those put aside because they failed. */
  readonly skipped?: number;
  readonly failed?: number;
  /** Documents per second. */
  readonly perSecond?: number;
  /** Only while it runs. */
  readonly secondsLeft?: number;
  readonly lastError?: string;
  /** The document on which it failed. */
  readonly errorDocumentId?: string;
  /** In milliseconds since 1970; absent before the first start. */
  readonly latestStart?: number;
  readonly latestEnd?: number;
}

const limit = 1_000;
const rateWindowMs = 10_000;

/**
 * Oldest first, at most 1000, with rate and time left where the component knows them.
 *
 * @throws COMPONENT_MISSING, FUNCTION_NOT_FOUND, or FUNCTION_FAILED for a component of another interface.
 */
export async function fetchMigrations(
  connection: Connection,
  componentPath: string,
): Promise<MigrationRow[]> {
  const outcome = await connection.call({ path: "lib:getStatus", args: { limit }, componentPath });
  if (outcome.status === "error") {
    throw new TrueupError(outcome.code ?? "FUNCTION_FAILED", outcome.message, { componentPath });
  }
  const rows = Array.isArray(outcome.value) ? outcome.value.map(migrationRow) : [undefined];
  return rows.map((row) => {
    if (row !== undefined) return row;
    const message = `The component ${componentPath} is not a migrations component.`;
    throw new TrueupError("FUNCTION_FAILED", message, { componentPath });
  });
}

/** The row; if it has no rate, with the average since its latest start. */
export function withAverageRate(row: MigrationRow, nowMs: number): MigrationRow {
  if (row.perSecond !== undefined || row.latestStart === undefined || row.processed === 0) return row;
  const seconds = ((row.latestEnd ?? nowMs) - row.latestStart) / 1000;
  return seconds > 0 ? withRate(row, row.processed / seconds) : row;
}

/** The row with this rate, and with the time left that follows from it. */
function withRate(row: MigrationRow, perSecond: number): MigrationRow {
  const hasEnd = row.state === "inProgress" && row.total !== undefined && perSecond > 0;
  const left = Math.max(0, (row.total ?? 0) - row.processed);
  return { ...row, perSecond, ...(hasEnd ? { secondsLeft: left / perSecond } : {}) };
}

interface Sample {
  readonly atMs: number;
  readonly processed: number;
}

/**
 * The rate of each migration over the last seconds that it was watched, where the component does not tell it. The average
 * since its start would count the time before a pause, and the documents before a resume.
 */
export class MigrationRates {
  readonly #samples = new Map<string, Sample[]>();

  /** The rows with their current rate, or with the average at the first look. */
  apply(rows: readonly MigrationRow[], nowMs: number): MigrationRow[] {
    return rows.map((row) => {
      if (row.perSecond !== undefined || row.state !== "inProgress") return withAverageRate(row, nowMs);
      const [first] = this.#record(row, nowMs);
      if (first === undefined || first.atMs >= nowMs) return withAverageRate(row, nowMs);
      return withRate(row, ((row.processed - first.processed) / (nowMs - first.atMs)) * 1000);
    });
  }

  #record(row: MigrationRow, atMs: number): Sample[] {
    const known = this.#samples.get(row.name) ?? [];
    const wentBack = (known.at(-1)?.processed ?? 0) > row.processed;
    const isRecent = (sample: Sample | undefined): boolean =>
      sample === undefined || atMs - sample.atMs < rateWindowMs;
    const recent = wentBack ? [] : known.filter((_, index) => isRecent(known[index + 1]));
    const samples = [...recent, { atMs, processed: row.processed }];
    this.#samples.set(row.name, samples);
    return samples;
  }
}

/** Returns undefined for what is no status of a migration. */
function migrationRow(status: Value): MigrationRow | undefined {
  const fields: Readonly<Record<string, unknown>> = typeof status === "object" ? { ...status } : {};
  const { name, state, processed, total, skipped, failed, error, errorDocumentId } = fields;
  const { documentsPerSecond, remainingMs, latestStart, latestEnd } = fields;
  if (typeof name !== "string" || typeof state !== "string" || typeof processed !== "number") {
    return undefined;
  }
  const row: { -readonly [Field in keyof MigrationRow]: MigrationRow[Field] } = { name, state, processed };
  if (typeof total === "number") row.total = total;
  if (typeof skipped === "number") row.skipped = skipped;
  if (typeof failed === "number") row.failed = failed;
  if (typeof documentsPerSecond === "number") row.perSecond = documentsPerSecond;
  if (typeof remainingMs === "number") row.secondsLeft = remainingMs / 1000;
  if (typeof error === "string") row.lastError = error;
  if (typeof errorDocumentId === "string") row.errorDocumentId = errorDocumentId;
  if (typeof latestStart === "number" && latestStart > 0) row.latestStart = latestStart;
  if (typeof latestEnd === "number") row.latestEnd = latestEnd;
  return row;
}

/** Transforms whose documents are being written through, then pending schemas with what does not fit them. */
export function schemaRows({ transforms, pending }: SchemaChanges): MigrationRow[] {
  return [...transforms.map(transformRow), ...pending.map(pendingRow)];
}

function transformRow(transform: SchemaChanges["transforms"][number]): MigrationRow {
  const { componentPath, name, state, processed, total, failed, failures, impure, beganAtMs } = transform;
  const [failure] = failures;
  return {
    name: placeOf(componentPath, name),
    kind: "transform",
    state: failed + impure > 0 ? "failed" : state === "prepared" ? "prepared" : "inProgress",
    processed,
    total,
    failed,
    latestStart: beganAtMs,
    ...(failure === undefined ? {} : { lastError: failure.message, errorDocumentId: failure.id }),
  };
}

function pendingRow(schema: SchemaChanges["pending"][number]): MigrationRow {
  const { componentPath, sinceMs, migrations, violating, violations } = schema;
  const [first] = violations;
  const reason =
    first === undefined
      ? `waits for ${migrations.join(", ")}`
      : `${violating} do not fit: ${first.problem} (table ${first.tableName})`;
  const sample = first?.samples[0];
  return {
    name: componentPath === "" ? "schema" : `schema of ${componentPath}`,
    kind: "schema",
    state: "pending",
    processed: 0,
    latestStart: sinceMs,
    lastError: reason,
    ...(sample === undefined ? {} : { errorDocumentId: sample.id }),
  };
}

function placeOf(componentPath: string, name: string): string {
  return componentPath === "" ? name : `${componentPath}/${name}`;
}
