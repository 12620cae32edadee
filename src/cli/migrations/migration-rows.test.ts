import type { Value } from "convex/values";
import pc from "picocolors";
import { expect, test } from "vitest";
import type { CallOutcome, Connection } from "../connection/connection.js";
import {
  fetchMigrations,
  MigrationRates,
  schemaRows,
  withAverageRate,
  type MigrationRow,
} from "./migration-rows.js";
import { migrationLine, migrationTable } from "./migration-text.js";

function answering(outcome: CallOutcome): Connection {
  return {
    serverUrl: undefined,
    workers: "nobody",
    schemaChanges: () => Promise.resolve({ transforms: [], pending: [] }),
    aggregates: {
      list: async () => [],
      resume: async () => {},
      startVerify: async () => "",
      report: async () => null,
    },
    keys: { list: async () => [], add: async () => "", revoke: async () => {} },
    call: async () => outcome,
    work: async () => ({ pending: 0, inProgress: 0, succeeded: 0, failed: 0 }),
    examine: async () => [],
    close: async () => {},
  };
}

function statuses(...value: Value[]): Connection {
  return answering({ status: "success", value, logLines: [] });
}

const running = { name: "m:a", state: "inProgress", processed: 500, latestStart: 1_000, isDone: false };

test("what the component knows is taken from it; null means that it does not", async () => {
  const known = { ...running, total: 2_000, skipped: 3, documentsPerSecond: 40, remainingMs: 37_500 };
  const unknown = { ...running, total: null, documentsPerSecond: null, remainingMs: null };
  const [row, other] = await fetchMigrations(statuses(known, unknown), "migrations");
  expect(row).toMatchObject({ total: 2_000, skipped: 3, perSecond: 40, secondsLeft: 37.5 });
  expect(other).toEqual({ name: "m:a", state: "inProgress", processed: 500, latestStart: 1_000 });
});

test("otherwise the rate is the average since the latest start; time left needs a total", async () => {
  const done = { ...running, state: "success", latestEnd: 2_000 };
  const untouched = { ...running, state: "unknown", processed: 0, latestStart: 0 };
  const rows = await fetchMigrations(
    statuses({ ...running, total: 2_000 }, running, done, untouched),
    "migrations",
  );
  const rated = rows.map((row) => withAverageRate(row, 6_000));
  expect(rated.map((row) => row.perSecond)).toEqual([100, 100, 500, undefined]);
  expect(rated.map((row) => row.secondsLeft)).toEqual([15, undefined, undefined, undefined]);
});

test("a component that is missing, or no migrations component, is named in the error", async () => {
  const missing = answering({ status: "error", message: "There is no component x.", logLines: [] });
  const coded = (message: RegExp): unknown =>
    expect.objectContaining({ code: "FUNCTION_FAILED", message: expect.stringMatching(message) });
  await expect(fetchMigrations(missing, "x")).rejects.toEqual(coded(/no component x/));
  await expect(fetchMigrations(statuses("text"), "x")).rejects.toEqual(
    coded(/x is not a migrations component/),
  );
});

test("watching measures the rate of the last seconds, and starts over after a reset", () => {
  const rates = new MigrationRates();
  const row = (processed: number): MigrationRow => ({
    name: "a",
    state: "inProgress",
    processed,
    total: 1_000,
  });
  const rateOf = (processed: number, atMs: number): number | undefined =>
    rates.apply([row(processed)], atMs)[0]?.perSecond;
  expect(rateOf(100, 0)).toBe(undefined);
  expect(rateOf(200, 1_000)).toBe(100);
  expect(rateOf(200, 11_500)).toBe(0);
  expect(rateOf(0, 12_000)).toBe(undefined);
  expect(rateOf(50, 13_000)).toBe(50);
});

test("the table aligns its columns and shows the first line of an error", () => {
  const rows: MigrationRow[] = [
    {
      name: "migrations:backfill",
      state: "inProgress",
      processed: 12_000,
      total: 231_083,
      perSecond: 3_400,
      secondsLeft: 64.4,
    },
    {
      name: "m:b",
      state: "failed",
      processed: 3,
      lastError: "Uncaught Error: no\n    at handler",
      errorDocumentId: "j57x",
    },
    { name: "m:c", state: "success", processed: 9, failed: 2 },
  ];
  expect(migrationTable(rows, pc.createColors(false))).toBe(
    [
      "migration            state    processed    total     rate  time left  last error",
      "migrations:backfill  running     12,000  231,083  3,400/s     1m 04s",
      "m:b                  failed           3        –        –          –  Uncaught Error: no (document j57x)",
      "m:c                  done             9        –        –          –  2 documents in quarantine",
    ].join("\n"),
  );
  expect(rows.map(migrationLine)).toEqual([
    "migrations:backfill running 12,000/231,083 3,400/s, 1m 04s left",
    "m:b failed 3 Uncaught Error: no (document j57x)",
    "m:c done 9 2 documents in quarantine",
  ]);
});

const transform = {
  componentPath: "",
  tableName: "teams",
  shape: 1,
  name: "m:plan",
  origin: "modules:1#up",
  hasDown: true,
  state: "lagging" as const,
  beganAtMs: 5,
  processed: 30,
  total: 100,
  failed: 0,
  impure: 0,
  failures: [],
  isLoaded: true,
};

test("transforms count what is written through, and name the document that they fail on", () => {
  const failed = { ...transform, failed: 2, failures: [{ id: "j57", message: "no plan" }] };
  const rows = schemaRows({ transforms: [transform, { ...failed, componentPath: "a/b" }], pending: [] });
  expect(rows).toMatchObject([
    { name: "m:plan", kind: "transform", state: "inProgress", processed: 30, total: 100 },
    { name: "a/b/m:plan", state: "failed", lastError: "no plan", errorDocumentId: "j57" },
  ]);
});

test("a pending schema says what it waits for, or what does not fit", () => {
  const waiting = { componentPath: "", sinceMs: 5, migrations: ["m:split"], violating: null, violations: [] };
  const group = { componentPath: "", tableName: "users", problem: "extra field `theme`", documents: 2 };
  const violations = [{ ...group, samples: [{ id: "j57", violations: [] }] }];
  const stuck = { ...waiting, componentPath: "sub", violating: 2, violations };
  expect(schemaRows({ transforms: [], pending: [waiting, stuck] })).toMatchObject([
    { name: "schema", kind: "schema", state: "pending", lastError: "waits for m:split" },
    {
      name: "schema of sub",
      lastError: "2 do not fit: extra field `theme` (table users)",
      errorDocumentId: "j57",
    },
  ]);
});
