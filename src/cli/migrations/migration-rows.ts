/**
 * The migrations of an app as rows: what the component's `lib:getStatus` says, in one shape for `trueup/migrations`,
 * which knows total, rate and time left, and for `@convex-dev/migrations`, which does not: its rate is worked
 * out from what it does say.
 */
import type { Value } from "convex/values";
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

/** Rows without a rate get the average since the latest start. */
export function withAverageRate(row: MigrationRow, nowMs: number): MigrationRow {
  if (row.perSecond !== undefined || row.latestStart === undefined || row.processed === 0) return row;
  const seconds = ((row.latestEnd ?? nowMs) - row.latestStart) / 1000;
  return seconds > 0 ? withRate(row, row.processed / seconds) : row;
}

/** The row with this rate, and with the time left that follows from it. */
export function withRate(row: MigrationRow, perSecond: number): MigrationRow {
  const hasEnd = row.state === "inProgress" && row.total !== undefined && perSecond > 0;
  const left = Math.max(0, (row.total ?? 0) - row.processed);
  return { ...row, perSecond, ...(hasEnd ? { secondsLeft: left / perSecond } : {}) };
}

/** Undefined when this is no status of a migration. */
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
