/**
 * Makes HTTP replies of errors: a status and `{ code, message }`, which the official CLI and clients print. Some codes get the
 * name that these act on. The caller is not told what went wrong inside of the server itself.
 */
import { isTrueupError, type ErrorCode } from "../../errors/index.js";

/** A route throws it to answer with a certain status. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The names under which the official CLI knows errors that it treats specially. */
const officialCodes: Partial<Record<ErrorCode, string>> = {
  AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE: "AuthConfigMissingEnvironmentVariable",
  MISSING_ENVIRONMENT_VARIABLES: "MissingEnvironmentVariables",
  PUSH_OUTDATED: "RaceDetected",
};

const statuses: Partial<Record<ErrorCode, number>> = {
  BACKEND_CLOSED: 503,
  FEATURE_NOT_SUPPORTED: 501,
  STORAGE_CLOSED: 503,
  SNAPSHOT_TOO_OLD: 503,
  STORAGE_FULL: 507,
  STORAGE_UNAVAILABLE: 503,
};

/** The reply to any thrown value. */
export function httpErrorOf(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  if (isTrueupError(thrown)) {
    const status = statuses[thrown.code] ?? 400;
    return new HttpError(
      status,
      officialCodes[thrown.code] ?? thrown.code,
      `${thrown.message} ${thrown.hint}`,
    );
  }
  return new HttpError(500, "InternalServerError", "The server failed; see what it printed.");
}

/** Whether the server itself failed, and not the request of the caller. */
export function isServerFailure(thrown: unknown): boolean {
  return !(thrown instanceof HttpError) && !isTrueupError(thrown);
}
