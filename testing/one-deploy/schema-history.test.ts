import fc from "fast-check";
import { test } from "vitest";
import { SchemaHistory } from "./schema-history.js";

/** A soak sets it; CONTRIBUTING.md says how. */
const histories = Number(process.env["TRUEUP_HISTORIES"] ?? 8);

test(
  "whatever the history of schemas, writes, failures and kills: no document is ever other than it must be",
  async () => {
    const property = fc.asyncProperty(fc.nat(), async (seed) => {
      await new SchemaHistory(seed).run(6);
    });
    await fc.assert(property, { numRuns: histories, endOnFailure: true });
  },
  60_000 * Math.max(1, histories / 8),
);
