import { expect, test } from "vitest";
import { schemaRows } from "./schema-rows.js";

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
