/** Tables of the component; `rows.ts` has their types. What the published component stored is valid here. */
import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v } from "convex/values";

const migrations = defineTable({
  name: v.string(),
  cursor: v.union(v.string(), v.null()),
  isDone: v.boolean(),
  workerId: v.optional(v.id("_scheduled_functions")),
  error: v.optional(v.string()),
  processed: v.number(),
  latestStart: v.number(),
  latestEnd: v.optional(v.number()),

  fnHandle: v.optional(v.string()),
  range: v.optional(v.string()),
  total: v.optional(v.union(v.number(), v.null())),
  skipped: v.optional(v.number()),
  errorDocumentId: v.optional(v.string()),
  batchSize: v.optional(v.number()),
  next: v.optional(v.array(v.object({ name: v.string(), fnHandle: v.string() }))),
  resetsNext: v.optional(v.boolean()),
  halted: v.optional(v.literal("canceled")),
  turn: v.optional(v.number()),
  pace: v.optional(v.object({ batchSize: v.optional(v.number()), alone: v.optional(v.boolean()) })),
  run: v.optional(
    v.object({
      id: v.id("runs"),
      startedBy: v.optional(v.string()),
      processedBefore: v.number(),
      skippedBefore: v.number(),
      batches: v.number(),
      firstAt: v.optional(v.number()),
      firstProcessed: v.optional(v.number()),
      latestAt: v.optional(v.number()),
      isOver: v.boolean(),
    }),
  ),
  supervisorId: v.optional(v.id("_scheduled_functions")),
  deaths: v.optional(v.number()),
})
  .index("name", ["name"])
  .index("isDone", ["isDone"]);

const runs = defineTable({
  migration: v.string(),
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  outcome: v.optional(
    v.union(v.literal("done"), v.literal("failed"), v.literal("canceled"), v.literal("died")),
  ),
  processed: v.number(),
  skipped: v.number(),
  batches: v.number(),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
}).index("migration", ["migration"]);

const schema: SchemaDefinition<GenericSchema, true> = defineSchema({ migrations, runs });
export default schema;
