/** Tables of the component; `rows.ts` has their types. What the published component stored is valid here. */
import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v } from "convex/values";
import { onError } from "../protocol.js";

const policy = v.object({
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
});

const jobFields = {
  cursor: v.union(v.string(), v.null()),
  isDone: v.boolean(),
  workerId: v.optional(v.id("_scheduled_functions")),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
  processed: v.number(),
  skipped: v.optional(v.number()),
  failed: v.optional(v.number()),
  failedInARow: v.optional(v.number()),
  fnHandle: v.optional(v.string()),
  range: v.optional(v.string()),
  total: v.optional(v.union(v.number(), v.null())),
  batchSize: v.optional(v.number()),
  batches: v.optional(v.number()),
  halted: v.optional(v.union(v.literal("canceled"), v.literal("paused"), v.literal("reverted"))),
  turn: v.optional(v.number()),
  pace: v.optional(
    v.object({
      batchSize: v.optional(v.number()),
      alone: v.optional(v.boolean()),
      latestAt: v.optional(v.number()),
      isSteady: v.optional(v.boolean()),
    }),
  ),
  supervisorId: v.optional(v.id("_scheduled_functions")),
  deaths: v.optional(v.number()),
};

const counters = { processed: v.number(), skipped: v.number(), failed: v.number(), batches: v.number() };

const migrations = defineTable({
  ...jobFields,
  name: v.string(),
  latestStart: v.number(),
  latestEnd: v.optional(v.number()),
  next: v.optional(v.array(v.object({ name: v.string(), fnHandle: v.string() }))),
  resetsNext: v.optional(v.boolean()),
  run: v.optional(
    v.object({
      id: v.id("runs"),
      startedBy: v.optional(v.string()),
      before: v.object(counters),
      firstAt: v.optional(v.number()),
      firstProcessed: v.optional(v.number()),
      latestAt: v.optional(v.number()),
      isOver: v.boolean(),
    }),
  ),
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
  policy: v.optional(policy),
  epoch: v.optional(v.number()),
  reverting: v.optional(v.object({ epoch: v.number(), until: v.optional(v.string()) })),
  isSplit: v.optional(v.boolean()),
})
  .index("name", ["name"])
  .index("isDone", ["isDone"]);

const ranges = defineTable({
  ...jobFields,
  migration: v.string(),
  from: v.union(v.string(), v.null()),
  until: v.optional(v.string()),
}).index("migration", ["migration"]);

const runs = defineTable({
  ...counters,
  migration: v.string(),
  kind: v.union(v.literal("migrate"), v.literal("revert")),
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  outcome: v.optional(
    v.union(
      v.literal("done"),
      v.literal("failed"),
      v.literal("canceled"),
      v.literal("paused"),
      v.literal("died"),
    ),
  ),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
}).index("migration", ["migration"]);

const quarantine = defineTable({
  migration: v.string(),
  epoch: v.number(),
  documentId: v.string(),
  error: v.string(),
  failedAt: v.number(),
  attempts: v.number(),
})
  .index("migration", ["migration", "epoch"])
  .index("document", ["migration", "epoch", "documentId"]);

const checks = defineTable({
  ...jobFields,
  migration: v.string(),
  kind: v.union(v.literal("rehearse"), v.literal("verify")),
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  failures: v.array(v.object({ documentId: v.string(), error: v.string() })),
  findings: v.any(),
}).index("migration", ["migration", "kind"]);

const schema: SchemaDefinition<GenericSchema, true> = defineSchema({
  migrations,
  ranges,
  runs,
  quarantine,
  checks,
});
export default schema;
