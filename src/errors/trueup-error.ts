/**
 * The one error class of every room. The code is stable and listed in `codes/` and docs/errors.md. The message tells a person
 * what happened, `details` tell it to a program, and the hint says what to do next. Mistakes inside Trueup itself are plain
 * errors of assertions, and not of this class.
 */
import { errorCodes, type ErrorCode } from "./codes/index.js";

/** What a program may read of an error. It consists of JSON values only. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error with a stable code, structured details and advice. */
export class TrueupError extends Error {
  override readonly name = "TrueupError";
  readonly code: ErrorCode;
  /** JSON values that name what is involved: ids, tables, limits. */
  readonly details: ErrorDetails;
  /** One sentence that says what to do about it. */
  readonly hint: string;
  /** Whether the same call may succeed if it is simply made again. */
  readonly retryable: boolean;

  /**
   * @param message What happened in this case; the general meaning of the code when it is left out.
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

/** Whether an error is one of Trueup's, made by this or another copy of this module. */
export function isTrueupError(error: unknown): error is TrueupError {
  return error instanceof Error && error.name === "TrueupError" && "code" in error;
}
