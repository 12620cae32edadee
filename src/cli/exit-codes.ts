/**
 * What the exit code of `trueup` means. Above 63 the numbers are those of BSD's sysexits.h, so that 2 and 3
 * are left to commands whose answer is an exit code. docs/cli.md lists the same numbers: they never change.
 */
import type { ErrorCode } from "../errors/index.js";

export const exitCodes = {
  success: 0,
  /** The work ran and failed: a function, a push, scheduled work. */
  failed: 1,
  /** `trueup plan`: stored documents may not fit the new schema. */
  needsMigration: 2,
  /** `trueup plan`: stored data has no place in the new schema. */
  destructive: 3,
  /** `trueup aggregates`: one differs from its table, or cannot be built. `trueup check`: something is wrong. */
  drifted: 2,
  /** `trueup aggregates`: all are sound, but not all are built yet. */
  building: 3,
  usage: 64,
  /** There is no app, no data or no code here. */
  missing: 66,
  /** A server should answer and does not. */
  unavailable: 69,
  /** A defect of Trueup. */
  internal: 70,
  /** The data file or the port belongs to another process. */
  busy: 75,
  /** The server refused the admin key. */
  refused: 77,
  /** The app's environment names another backend. */
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
  DATA_FILE_MISSING: exitCodes.missing,
  INVALID_USAGE: exitCodes.usage,
  MALFORMED_JSON: exitCodes.usage,
  MODULES_MISSING: exitCodes.missing,
  OTHER_BACKEND_CONFIGURED: exitCodes.configuration,
  PORT_IN_USE: exitCodes.busy,
  SERVER_UNREACHABLE: exitCodes.unavailable,
  STORAGE_LOCKED: exitCodes.busy,
};

/** The exit code of an error: `failed` for every code that is not about the command, the app or the server. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return byErrorCode[code] ?? exitCodes.failed;
}
