/**
 * The migrations of an app as rows: what the component's `lib:getStatus` says, with rate and time left. Works
 * with any component of that interface; `total` is there when the component knows it.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import type { Connection } from "../connection/connection.js";

export interface MigrationRow {
  readonly name: string;
  /** `inProgress`, `success`, `failed`, `canceled` or `unknown`. */
  readonly state: string;
  readonly processed: number;
  readonly total?: number;
  /** Documents per second: the average since the latest start. */
  readonly perSecond?: number;
  /** Seconds left at that rate; only while it runs and the total is known. */
  readonly etaSeconds?: number;
  readonly lastError?: string;
}

const limit = 1_000;

/**
 * Oldest first, at most 1000.
 *
 * @throws COMPONENT_MISSING, FUNCTION_NOT_FOUND, or FUNCTION_FAILED for a component of another interface.
 */
export async function fetchMigrations(
  connection: Connection,
  componentPath: string,
  nowMs: number = Date.now(),
): Promise<MigrationRow[]> {
  const outcome = await connection.call({ path: "lib:getStatus", args: { limit }, componentPath });
  if (outcome.status === "error")
    throw new TrueupError(outcome.code ?? "FUNCTION_FAILED", outcome.message, { componentPath });
  if (!Array.isArray(outcome.value)) throw notMigrations(componentPath);
  return outcome.value.map((status) => migrationRow(status, componentPath, nowMs));
}

function migrationRow(status: Value, componentPath: string, nowMs: number): MigrationRow {
  const fields: Readonly<Record<string, unknown>> = typeof status === "object" ? { ...status } : {};
  const { name, state, processed, total, error, latestStart, latestEnd } = fields;
  if (typeof name !== "string" || typeof state !== "string" || typeof processed !== "number") {
    throw notMigrations(componentPath);
  }
  const row = {
    name,
    state,
    processed,
    ...(typeof total === "number" ? { total } : {}),
    ...(typeof error === "string" ? { lastError: error } : {}),
  };
  if (typeof latestStart !== "number" || latestStart === 0 || processed === 0) return row;
  const seconds = ((typeof latestEnd === "number" ? latestEnd : nowMs) - latestStart) / 1000;
  return seconds > 0 ? withRate(row, processed / seconds) : row;
}

/** The row with this rate, and with the time left that follows from it. */
export function withRate(row: MigrationRow, perSecond: number): MigrationRow {
  const { etaSeconds: _, ...rest } = row;
  const hasEnd = row.state === "inProgress" && row.total !== undefined && perSecond > 0;
  const left = Math.max(0, (row.total ?? 0) - row.processed);
  return { ...rest, perSecond, ...(hasEnd ? { etaSeconds: left / perSecond } : {}) };
}

function notMigrations(componentPath: string): TrueupError {
  return new TrueupError("FUNCTION_FAILED", `The component ${componentPath} is not a migrations component.`, {
    componentPath,
  });
}
