/**
 * The one error class of every room. A code says what happened (stable, listed in `codes/` and
 * docs/errors.md), the message says it to a person, `details` say it to a program, and the hint says
 * what to do next. Errors for programmers' mistakes inside Trueup are plain assertions, not these.
 */
import { errorCodes, type ErrorCode } from "./codes/index.js";

/** What a program may read of an error: JSON values only. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error with a stable code, structured details and advice. */
export class TrueupError extends Error {
  override readonly name = "TrueupError";
  readonly code: ErrorCode;
  /** JSON values that name the things involved: ids, tables, limits. */
  readonly details: ErrorDetails;
  /** What to do about it, in one sentence. */
  readonly hint: string;
  /** True when the same call may succeed if it is simply made again. */
  readonly retryable: boolean;

  /**
   * @param message What happened in this case; the code's general meaning when left out.
   */
  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}, cause?: unknown) {
    const entry = errorCodes[code];
    super(message ?? entry.meaning, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.hint = entry.hint;
    this.retryable = entry.retryable;
  }
}

/** True for an error of Trueup's, also one that crossed from another copy of this module. */
export function isTrueupError(error: unknown): error is TrueupError {
  return error instanceof Error && error.name === "TrueupError" && "code" in error;
}
