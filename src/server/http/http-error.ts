/**
 * Errors as HTTP replies: a status and `{ code, message }`, which is what the official CLI and clients print. Some
 * codes have a name there that they act on. What went wrong inside of the server itself is not told to the caller.
 */
import { isTrueupError, type ErrorCode } from "../../errors/index.js";

/** Thrown by a route to answer with a certain status. */
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
  STORAGE_FULL: 507,
};

/** Any thrown value as a reply. */
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

/** True when the server itself failed, and not the caller's request. */
export function isServerFailure(thrown: unknown): boolean {
  return !(thrown instanceof HttpError) && !isTrueupError(thrown);
}
