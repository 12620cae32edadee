/**
 * Errors of migrations. They cross from the app into the component and to callers, so they are
 * `ConvexError`s whose data is plain: `code`, `message`, and what else a program may want to know. The codes
 * are those of docs/errors.md. A limit of the database is recognised by the words of its message, because Convex gives no more.
 */
import { ConvexError, type Value } from "convex/values";

export type MigrationErrorCode =
  | "MIGRATION_ARGUMENTS"
  | "MIGRATION_BATCH_TOO_LARGE"
  | "MIGRATION_BUSY"
  | "MIGRATION_DOCUMENT_FAILED"
  | "MIGRATION_NOT_DEFINED"
  | "MIGRATION_NOT_FOUND"
  | "MIGRATION_RANGE_CHANGED"
  | "MIGRATION_RANGE_UNSUPPORTED"
  | "MIGRATION_REQUIRES"
  | "MIGRATION_STUCK";

export type MigrationErrorData = { [detail: string]: Value } & {
  code: MigrationErrorCode;
  message: string;
};

/** An error with a code of docs/errors.md; `details` are the further fields of its data. */
export function migrationError(
  code: MigrationErrorCode,
  message: string,
  details: Record<string, Value> = {},
): ConvexError<MigrationErrorData> {
  return new ConvexError<MigrationErrorData>({ ...details, code, message });
}

/** The data of a `migrationError`, also of one that crossed from another component; null for other errors. */
export function migrationErrorData(error: unknown): MigrationErrorData | null {
  const data = convexErrorData(error);
  if (typeof data !== "object" || data === null || !("code" in data) || !("message" in data)) return null;
  const { code, message } = data;
  if (typeof code !== "string" || !code.startsWith("MIGRATION_") || typeof message !== "string") return null;
  return data as MigrationErrorData;
}

/** The data of the error that ends a dry run, so that its transaction rolls back; null for other errors. */
export function dryRunData(error: unknown): { kind: "DRY RUN"; [field: string]: unknown } | null {
  const data = convexErrorData(error);
  if (typeof data !== "object" || data === null || !("kind" in data) || data.kind !== "DRY RUN") return null;
  return { ...data, kind: "DRY RUN" };
}

function convexErrorData(error: unknown): unknown {
  return error instanceof Error && "data" in error ? error.data : null;
}

/** The message of an error, without the name of its class. */
export function messageOf(error: unknown): string {
  const known = migrationErrorData(error);
  if (known !== null) return known.message;
  return error instanceof Error ? error.message : String(error);
}

/** True when the database refused because a transaction read, wrote or ran too much. */
export function isLimitError(error: unknown): boolean {
  if (error instanceof Error && "code" in error && /LIMIT|TOO_LARGE/.test(String(error.code))) return true;
  return /in a single function execution|production\/state\/limits|timed out/.test(messageOf(error));
}
