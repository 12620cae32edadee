/**
 * Cron expressions of five fields in UTC: minute, hour, day of month, month, day of week. A field is `*`
 * or a list of values, ranges and steps; months and weekdays may be named; Sunday is 0 and 7; `L` is the
 * last day of the month. A day matches when both day fields do, or, where both are restricted, when
 * either does, as cron has always had it.
 */
import { TrueupError } from "../../errors/index.js";

/** A parsed expression; `days` decides by day of month, days in that month and weekday. */
export interface CronExpression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  matchesDay(dayOfMonth: number, daysInMonth: number, weekday: number): boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const fields: readonly Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: monthNames },
  { name: "day of week", min: 0, max: 7, names: weekdayNames },
];

/** @throws INVALID_CRON */
export function parseCronExpression(text: string): CronExpression {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) {
    throw invalid(text, `it has ${parts.length} fields, not ${fields.length}`);
  }
  const [minutes, hours, daysOfMonth, months, weekdays] = parts.map((part, i) =>
    parseField(text, part, fields[i] ?? { name: "", min: 0, max: 0 }),
  );
  const lastDay = (parts[2] ?? "").toLowerCase().split(",").includes("l");
  const anyDayOfMonth = isAny(parts[2]);
  const anyWeekday = isAny(parts[4]);
  const expression: CronExpression = {
    minutes: minutes ?? [],
    hours: hours ?? [],
    months: new Set(months),
    matchesDay: (dayOfMonth, daysInMonth, weekday) => {
      const byMonth = daysOfMonth?.includes(dayOfMonth) === true || (lastDay && dayOfMonth === daysInMonth);
      const byWeek =
        weekdays?.includes(weekday) === true || (weekday === 0 && weekdays?.includes(7) === true);
      return anyDayOfMonth || anyWeekday ? byMonth && byWeek : byMonth || byWeek;
    },
  };
  return expression;
}

/**
 * The first minute after a time at which the expression holds, in milliseconds since 1970; null when
 * there is none (30 February). O(days until then).
 */
export function nextMatch(expression: CronExpression, afterMs: number): number | null {
  const minuteMs = 60_000;
  const first = new Date(Math.floor(afterMs / minuteMs) * minuteMs + minuteMs);
  const year = first.getUTCFullYear();
  const month = first.getUTCMonth();
  // A leap day is at most eight years away.
  for (let day = 0; day <= 366 * 8 + 1; day += 1) {
    const date = new Date(Date.UTC(year, month, first.getUTCDate() + day));
    if (!matchesDate(expression, date)) {
      continue;
    }
    const from = day === 0 ? first.getUTCHours() * 60 + first.getUTCMinutes() : 0;
    const minute = firstMinuteOfDay(expression, from);
    if (minute !== null) {
      return date.getTime() + minute * minuteMs;
    }
  }
  return null;
}

function matchesDate(expression: CronExpression, date: Date): boolean {
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return (
    expression.months.has(date.getUTCMonth() + 1) &&
    expression.matchesDay(date.getUTCDate(), daysInMonth, date.getUTCDay())
  );
}

function firstMinuteOfDay(expression: CronExpression, from: number): number | null {
  for (const hour of expression.hours) {
    for (const minute of expression.minutes) {
      if (hour * 60 + minute >= from) {
        return hour * 60 + minute;
      }
    }
  }
  return null;
}

function isAny(part: string | undefined): boolean {
  return part === "*" || part === "?";
}

function parseField(text: string, part: string, field: Field): number[] {
  const values = new Set<number>();
  for (const item of part.toLowerCase().split(",")) {
    if (item === "l" && field.name === "day of month") {
      continue;
    }
    const match = /^(?:\*|\?|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/.exec(item);
    if (match === null) {
      throw invalid(text, `its ${field.name} '${part}' cannot be read`);
    }
    const [, from, to, step] = match;
    const start = from === undefined ? field.min : valueOf(text, from, field);
    const openEnd = from === undefined || step !== undefined ? field.max : start;
    const end = to === undefined ? openEnd : valueOf(text, to, field);
    const stride = step === undefined ? 1 : Number(step);
    if (start > end || stride === 0) {
      throw invalid(text, `its ${field.name} '${part}' is empty`);
    }
    for (let value = start; value <= end; value += stride) {
      values.add(value);
    }
  }
  return [...values].sort((a, b) => a - b);
}

function valueOf(text: string, name: string, field: Field): number {
  const named = field.names?.indexOf(name) ?? -1;
  const value = named >= 0 ? named + field.min : /^\d+$/.test(name) ? Number(name) : NaN;
  if (!(value >= field.min && value <= field.max)) {
    throw invalid(text, `its ${field.name} '${name}' is not between ${field.min} and ${field.max}`);
  }
  return value;
}

function invalid(text: string, reason: string): TrueupError {
  return new TrueupError("INVALID_CRON", `The cron expression '${text}' is not valid: ${reason}.`, {
    expression: text,
  });
}
