/**
 * The exit codes of `trueup`, which never change; docs/cli.md lists them. Codes above 63 are those of BSD's sysexits.h. That
 * leaves 2 and 3 to commands whose answer is an exit code.
 */
import type { ErrorCode } from "../errors/index.js";

export const exitCodes = {
  success: 0,
  /** A function, a push or scheduled work ran and failed. */
  failed: 1,
  /** `trueup plan`: some stored documents may not fit the new schema. */
  needsMigration: 2,
  /** `trueup plan`: stored data has no place in the new schema. */
  destructive: 3,
  /** `trueup aggregates`: one differs from its table, or cannot be built. `trueup check`: the file has a fault. */
  drifted: 2,
  /** `trueup aggregates`: no aggregate differs, but some are not built yet. */
  building: 3,
  usage: 64,
  /** The folder holds no app, no data or no code. */
  missing: 66,
  /** A server that should answer does not. */
  unavailable: 69,
  /** Trueup has a defect. */
  internal: 70,
  /** The data file or the port belongs to another process. */
  busy: 75,
  /** The server refused the admin key. */
  refused: 77,
  /** The app's environment names another backend; the data is elsewhere, or other data is there. */
  configuration: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byErrorCode: { readonly [Code in ErrorCode]?: ExitCode } = {
  ADMIN_KEY_REFUSED: exitCodes.refused,
  AGGREGATE_BUILD_FAILED: exitCodes.drifted,
  AGGREGATE_NOT_FOUND: exitCodes.missing,
  APP_NOT_FOUND: exitCodes.missing,
  CONVEX_NOT_INSTALLED: exitCodes.missing,
  NODE_TOO_OLD: exitCodes.missing,
  DATA_FILE_MISSING: exitCodes.missing,
  INVALID_USAGE: exitCodes.usage,
  MALFORMED_JSON: exitCodes.usage,
  MODULES_MISSING: exitCodes.missing,
  OTHER_BACKEND_CONFIGURED: exitCodes.configuration,
  PORT_IN_USE: exitCodes.busy,
  SERVER_UNREACHABLE: exitCodes.unavailable,
  STORAGE_LOCKED: exitCodes.busy,
  STORAGE_MOVED: exitCodes.configuration,
  STORAGE_NOT_EMPTY: exitCodes.configuration,
};

/** The exit code of an error. It is `failed` for every code that is not about the command, the app or the server. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return byErrorCode[code] ?? exitCodes.failed;
}
