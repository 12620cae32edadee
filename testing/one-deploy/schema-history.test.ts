import fc from "fast-check";
import { test } from "vitest";
import { SchemaHistory } from "./schema-history.js";

test("whatever the history of schemas, writes, failures and kills: every document is carried over once", async () => {
  const property = fc.asyncProperty(fc.nat(), async (seed) => {
    await new SchemaHistory(seed).run(4);
  });
  await fc.assert(property, { numRuns: 6, endOnFailure: true });
});
