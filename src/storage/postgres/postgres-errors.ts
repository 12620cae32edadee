/** Turns what `pg` and Postgres throw into the storage's own errors, and says what is worth another try. */
import { isTrueupError, TrueupError, type ErrorCode } from "../../errors/index.js";

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and those of `schema/format.ts`. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && "severity" in (error as object)
    ? code
    : undefined;
}

/** Whether the connection that it came by is of no more use. */
export function endsConnection(error: unknown): boolean {
  const state = sqlStateOf(error);
  // Another server may be the primary by now, and a new connection finds it.
  return state === undefined || /^(?:57P|08|25006)/.test(state);
}

/** Codes of errors that end without anybody's doing: a conflict of locks, too many connections, a server that goes or comes. */
const passing = /^(?:08|40|53[2-4]|55P03|57|25006)/;

/** Whether the same statement may succeed in a moment: the connection was lost, or the server has other things to do. */
export function isPassing(error: unknown): boolean {
  if (isTrueupError(error) || error instanceof TypeError || error instanceof RangeError) return false;
  const state = sqlStateOf(error);
  return state === undefined || passing.test(state);
}

const codes: readonly (readonly [states: RegExp, code: ErrorCode])[] = [
  [/^53100/, "STORAGE_FULL"],
  [/^(?:28|42501)/, "STORAGE_FORBIDDEN"],
  [/^25006/, "STORAGE_READ_ONLY"],
  [/^XX00[12]/, "STORAGE_CORRUPT"],
  [/^(?:3F000|42P01|42883)/, "STORAGE_LOST"],
  [/^TU002/, "SNAPSHOT_TOO_OLD"],
];

const meanings: Partial<Record<ErrorCode, string>> = {
  STORAGE_CORRUPT: "Postgres found its data damaged.",
  STORAGE_LOST:
    "The schema or its tables were deleted while the storage was open; nothing of this transaction was written.",
  STORAGE_UNAVAILABLE: "Postgres cannot be reached, or does not do what it is asked.",
};

/** The coded error for what a statement ended with; defects of this program are returned as they are. */
export function postgresError(place: string, error: unknown): Error {
  if (isTrueupError(error)) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const state = sqlStateOf(error);
  const code =
    codes.find(([states]) => state !== undefined && states.test(state))?.[1] ?? "STORAGE_UNAVAILABLE";
  const details = { place, reason: reasonOf(error), ...(state === undefined ? {} : { sqlState: state }) };
  return new TrueupError(code, meanings[code], details, error);
}

/** Several addresses of a host fail together, each with a reason. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one) => reasonOf(one as Error)).join(" ");
  return error.message;
}
