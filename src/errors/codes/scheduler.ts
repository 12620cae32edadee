/** Error codes of scheduled functions and crons, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const schedulerCodes = {
  INVALID_CRON: final(
    "The schedule of a cron job is not valid.",
    "Use five fields: minute, hour, day of month, month, day of week, in UTC.",
  ),
  INVALID_SCHEDULED_TIME: final(
    "The time to run a scheduled function is not valid.",
    "Pass a finite, non-negative delay in milliseconds, or a time no more than five years away.",
  ),
  JOB_INTERRUPTED: final(
    "The process ended while this scheduled action ran.",
    "Actions run at most once: schedule it again if that is safe.",
  ),
  JOB_NOT_FOUND: final("There is no such scheduled function.", "Pass an id that the scheduler returned."),
} as const satisfies Record<string, ErrorCodeEntry>;
