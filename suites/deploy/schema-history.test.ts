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

test(
  "whatever else a deploy brings, what an aggregate holds goes from one component to the other",
  async () => {
    const property = fc.asyncProperty(fc.nat(), async (seed) => {
      await new SchemaHistory(seed, true).run(6);
    });
    await fc.assert(property, { numRuns: Math.ceil(histories / 2), endOnFailure: true });
  },
  60_000 * Math.max(1, histories / 4),
);
