/**
 * When a cron job is due. Every schedule of `crons.ts` but the interval is a cron expression; a minute
 * that is left out is chosen by the job's name, so that jobs spread over the hour and stay put.
 */
import { Cron } from "croner";
import { TrueupError } from "../../errors/index.js";
import type { CronSpec } from "../../functions/index.js";

type Schedule = CronSpec["schedule"];

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/**
 * The first time after `afterMs` that a job is due, in milliseconds since 1970. An interval counts from
 * the last time it was due, and is due at once when it never was; occurrences that were missed are skipped.
 * @throws INVALID_CRON when the schedule cannot be read, or names a day that never comes
 */
export function nextDue(name: string, schedule: Schedule, afterMs: number, lastDueMs: number | null): number {
  if (schedule.type === "interval") {
    const periodMs = intervalMs(name, schedule);
    return lastDueMs === null
      ? afterMs
      : lastDueMs + Math.max(1, Math.floor((afterMs - lastDueMs) / periodMs) + 1) * periodMs;
  }
  const expression = expressionOf(name, schedule);
  const due = nextMatch(expression, afterMs);
  if (due === null) {
    throw new TrueupError("INVALID_CRON", `Cron job '${name}' is never due: '${expression}'.`, {
      name,
      expression,
    });
  }
  return due;
}

/**
 * The first minute after a time at which a cron expression of five fields in UTC holds, in milliseconds since 1970; null
 * when there is none (30 February). Where both day fields are restricted, a day matches when either does.
 * @throws INVALID_CRON
 */
export function nextMatch(expression: string, afterMs: number): number | null {
  try {
    // The library's nicknames, such as `@daily`, are not Convex's, and only some of its modes refuse them.
    if (expression.trim().startsWith("@")) throw new TypeError("five fields are expected");
    const pattern = new Cron(expression, {
      mode: "5-part",
      timezone: "UTC",
      sloppyRanges: true,
      paused: true,
    });
    return pattern.nextRun(new Date(afterMs))?.getTime() ?? null;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^\w+: /, "") : String(error);
    throw new TrueupError(
      "INVALID_CRON",
      `The cron expression '${expression}' is not valid: ${reason.replace(/\.$/, "")}.`,
      { expression },
    );
  }
}

function intervalMs(name: string, schedule: Schedule): number {
  const { seconds, minutes, hours } = schedule;
  const ms =
    typeof seconds === "number"
      ? seconds * 1000
      : typeof minutes === "number"
        ? minutes * 60_000
        : typeof hours === "number"
          ? hours * 3_600_000
          : NaN;
  if (!(ms > 0)) {
    throw new TrueupError("INVALID_CRON", `The interval of cron job '${name}' is not valid.`, { name });
  }
  return ms;
}

function expressionOf(name: string, schedule: Schedule): string {
  const { minuteUTC, hourUTC, dayOfWeek, day, cron } = schedule;
  const minute = typeof minuteUTC === "number" ? minuteUTC : minuteByName(name);
  const hour = Number(hourUTC);
  switch (schedule.type) {
    case "cron":
      return typeof cron === "string" ? cron : "";
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${minute} ${hour} * * *`;
    case "weekly":
      return `${minute} ${hour} * * ${weekdays.findIndex((weekday) => weekday === dayOfWeek)}`;
    case "monthly":
      return `${minute} ${hour} ${Number(day)} * *`;
    default:
      throw new TrueupError(
        "INVALID_CRON",
        `Cron job '${name}' has an unknown kind of schedule: '${schedule.type}'.`,
        { name },
      );
  }
}

function minuteByName(name: string): number {
  let hash = 0;
  for (const char of name) {
    hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  }
  return hash % 60;
}
