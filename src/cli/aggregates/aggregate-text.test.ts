import pc from "picocolors";
import { expect, test } from "vitest";
import type { AggregateOverview, VerifyResult } from "../../backend/index.js";
import { aggregateLine, aggregateTable, driftLines, verifyText } from "./aggregate-text.js";

const paint = pc.createColors(false);
const ready: AggregateOverview = {
  name: "byScore",
  table: "scores",
  exportedAs: "scores:byScore",
  verifyEveryMs: null,
  definition: "scores@1",
  generation: 1,
  state: "ready",
  items: 12_000,
  namespaces: 3,
  sum: 1234.5,
  sizeBytes: 650_000,
  nodes: 400,
  processed: 12_000,
  total: 12_000,
  ratePerSecond: null,
  etaMs: null,
  lastVerified: { atMs: 0, differences: 0, durationMs: 400 },
  drift: 0,
  drifted: [],
  error: null,
  errorDocumentId: null,
};
const noDifferences = {
  missing: 0,
  orphaned: 0,
  wrongKey: 0,
  wrongSum: 0,
  wrongNamespace: 0,
  duplicate: 0,
  structure: 0,
};
const building: AggregateOverview = {
  ...ready,
  name: "byName",
  state: "building",
  processed: 900,
  ratePerSecond: 3400,
  etaMs: 64_000,
  lastVerified: null,
  drift: null,
};

test("the table aligns its columns, and shows errors only where there are any", () => {
  expect(aggregateTable([ready, building], 7_200_000, paint)).toBe(
    [
      "aggregate  table   state                                      items  namespaces      sum    size  verified  drift",
      "byScore    scores  ready                                     12,000           3  1,234.5  635 KB  2h ago        0",
      "byName     scores  building 900/12,000 3,400/s, 1m 04s left  12,000           3  1,234.5  635 KB  never         –",
    ].join("\n"),
  );
  const failed = { ...ready, state: "failed" as const, error: "no score\nat sortKey" };
  expect(aggregateTable([failed], 0, paint).split("\n")[1]).toMatch(/0 {2}no score$/);
});

test("each document that a write came upon is named", () => {
  const drifted = [{ id: "j57x", kind: "missing" as const, atMs: 0 }];
  expect(driftLines([building, { ...ready, drift: 1, drifted }], 7_200_000)).toEqual([
    "byScore: the item of document j57x had drifted (missing), 2h ago",
  ]);
});

test("a line says how far a build is, or how many items there are and how many differ", () => {
  expect([building, { ...ready, drift: 2 }].map(aggregateLine)).toEqual([
    "byName building 900/12,000 3,400/s, 1m 04s left",
    "byScore ready 12,000 items drift 2",
  ]);
});

test("a report names each difference with what should be there and what is", () => {
  const result: VerifyResult = {
    name: "byScore",
    runId: "r",
    repair: true,
    startedBy: "host",
    startedAtMs: 0,
    durationMs: 420,
    checked: 24_000,
    counts: { ...noDifferences, missing: 1, wrongSum: 1 },
    fixed: 1,
    differences: [
      { id: "j57x", kind: "missing", expected: { key: [4n, -0] }, actual: null, fixed: true },
      { id: "j57y", kind: "wrongSum", expected: { sum: 4 }, actual: { sum: 5 }, fixed: false },
    ],
    remaining: 1,
  };
  expect(verifyText(result, paint)).toBe(
    [
      "byScore: 2 differences (1 missing, 1 wrongSum), 1 left, 24,000 documents and items compared in 0.4s",
      '  missing   j57x  expected {"key":[4n,-0]}, is nothing (mended)',
      '  wrongSum  j57y  expected {"sum":4}, is {"sum":5}',
    ].join("\n"),
  );
  const sound = { ...result, differences: [], counts: noDifferences, remaining: 0 };
  expect(verifyText(sound, paint)).toBe(
    "byScore: no differences, 24,000 documents and items compared in 0.4s",
  );
});
