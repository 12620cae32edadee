import fc from "fast-check";
import { expect, test } from "vitest";
import { nextDue, nextMatch } from "./cron-schedule.js";

const at = (iso: string): number => Date.parse(`${iso}Z`);
const next = (expression: string, after: string): string | null => {
  const found = nextMatch(expression, at(after));
  return found === null ? null : new Date(found).toISOString().slice(0, 16);
};

test("expressions name minutes, hours, days, months and weekdays", () => {
  expect(next("*/15 * * * *", "2026-11-21T10:15:00")).toBe("2026-11-21T10:30");
  expect(next("0 16 1 * *", "2026-11-21T10:15:00")).toBe("2026-12-01T16:00");
  expect(next("30 9 * * MON-FRI", "2026-11-20T09:30:00")).toBe("2026-11-23T09:30");
  expect(next("0 0 29 2 *", "2026-03-01T00:00:00")).toBe("2028-02-29T00:00");
  expect(next("0 0 L * *", "2027-02-01T00:00:00")).toBe("2027-02-28T00:00");
  expect(next("0 0 * * 7", "2026-11-21T00:00:00")).toBe("2026-11-22T00:00");
  expect(next("5,10 8-9/1 * jan,MAR *", "2026-11-21T00:00:00")).toBe("2027-01-01T08:05");
  expect(next("0 0 30 2 *", "2026-11-21T00:00:00")).toBeNull();
});

test("with both day fields restricted either one is enough", () => {
  expect(next("0 0 13 * 5", "2026-11-01T00:00:00")).toBe("2026-11-06T00:00");
  expect(next("0 0 13 * 5", "2026-11-07T00:00:00")).toBe("2026-11-13T00:00");
});

test("malformed expressions are refused with the field that is wrong", () => {
  for (const bad of [
    "* * * *",
    "60 * * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "5-1 * * * *",
    "*/0 * * * *",
    "a * * * *",
    "",
    "* * * * * *",
    "@daily",
  ]) {
    expect(() => nextMatch(bad, 0)).toThrow(expect.objectContaining({ code: "INVALID_CRON" }));
  }
});

test("the next match is the first minute that matches", () => {
  interface Part {
    readonly text: string;
    readonly matches: (value: number) => boolean;
  }
  const part = (min: number, max: number): fc.Arbitrary<Part> =>
    fc.oneof(
      fc.constant({ text: "*", matches: () => true }),
      fc.integer({ min, max }).map((n) => ({ text: String(n), matches: (value: number) => value === n })),
      fc
        .integer({ min: 2, max: Math.min(20, max) })
        .map((n) => ({ text: `*/${n}`, matches: (value: number) => (value - min) % n === 0 })),
    );
  const parts = fc.tuple(part(0, 59), part(0, 23), part(1, 28), part(0, 6));
  const start = at("2026-11-21T10:15:00");
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 3e9 }), ([minute, hour, day, weekday], offset) => {
      const isEither = day.text !== "*" && weekday.text !== "*";
      const matches = (ms: number): boolean => {
        const date = new Date(ms);
        const byMonth = day.matches(date.getUTCDate());
        const byWeek = weekday.matches(date.getUTCDay());
        return (
          minute.matches(date.getUTCMinutes()) &&
          hour.matches(date.getUTCHours()) &&
          (isEither ? byMonth || byWeek : byMonth && byWeek)
        );
      };
      const text = `${minute.text} ${hour.text} ${day.text} * ${weekday.text}`;
      const found = nextMatch(text, start + offset) ?? NaN;
      expect(matches(found)).toBe(true);
      expect(found).toBeGreaterThan(start + offset);
      for (let ms = found - 60_000; ms > Math.max(start + offset, found - 300 * 60_000); ms -= 60_000) {
        expect(matches(ms)).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});

test("an interval is due at once, then every period, and what was missed is skipped", () => {
  const schedule = { type: "interval", minutes: 5 };
  const start = at("2026-11-21T10:00:30");
  expect(nextDue("sync", schedule, start, null)).toBe(start);
  expect(nextDue("sync", schedule, start, start)).toBe(start + 300_000);
  expect(nextDue("sync", schedule, start + 3_700_000, start)).toBe(start + 3_900_000);
});

test("named schedules become expressions, and a missing minute stays the same for a name", () => {
  const from = at("2026-11-21T10:15:00");
  const due = (schedule: { type: string } & Record<string, unknown>): string =>
    new Date(nextDue("report", schedule, from, null)).toISOString().slice(0, 16);
  expect(due({ type: "hourly", minuteUTC: 10 })).toBe("2026-11-21T11:10");
  expect(due({ type: "daily", hourUTC: 9, minuteUTC: 0 })).toBe("2026-11-22T09:00");
  expect(due({ type: "weekly", dayOfWeek: "friday", hourUTC: 1, minuteUTC: 2 })).toBe("2026-11-27T01:02");
  expect(due({ type: "monthly", day: 31, hourUTC: 1, minuteUTC: 2 })).toBe("2026-12-31T01:02");
  expect(due({ type: "cron", cron: "0 12 * * *" })).toBe("2026-11-21T12:00");
  expect(due({ type: "hourly" })).toBe(due({ type: "hourly" }));
  expect(() => due({ type: "yearly" })).toThrow(expect.objectContaining({ code: "INVALID_CRON" }));
});
