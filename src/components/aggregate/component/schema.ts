/** The component's tables: trees and their nodes, generations and their builds, the queue with its worker, and checks. */
import { defineSchema, defineTable, type GenericSchema, type SchemaDefinition } from "convex/server";
import { v } from "convex/values";
import { checkTables } from "./check/tables.js";
import { operation } from "./interface/validators.js";

const sum = v.union(v.number(), v.array(v.number()), v.string());
const exactSum = v.union(
  v.number(),
  v.array(v.number()),
  v.string(),
  v.object({ finite: sum, nan: v.number(), positive: v.number(), negative: v.number() }),
);
const numberOrNull = v.union(v.number(), v.null());

const leaf = v.object({
  keys: v.array(v.any()),
  ids: v.array(v.string()),
  values: v.array(v.array(numberOrNull)),
});

const branch = v.object({
  level: v.number(),
  nodes: v.array(v.string()),
  keys: v.array(v.any()),
  ids: v.array(v.string()),
  summaries: v.optional(
    v.object({
      counts: v.array(v.number()),
      digests: v.array(numberOrNull),
      measures: v.array(
        v.object({
          counts: v.array(v.number()),
          sums: v.array(exactSum),
          mins: v.array(numberOrNull),
          maxs: v.array(numberOrNull),
        }),
      ),
    }),
  ),
});

const schema: SchemaDefinition<GenericSchema, true> = defineSchema({
  trees: defineTable({
    generation: v.optional(v.number()),
    namespace: v.optional(v.any()),
    root: v.string(),
    maxNodeSize: v.number(),
    rootLazy: v.boolean(),
    measures: v.array(v.string()),
    hasSuccessor: v.optional(v.boolean()),
  })
    .index("by_generation", ["generation", "namespace"])
    .index("by_root", ["root"]),
  nodes: defineTable(v.union(leaf, branch)),
  pendingOperations: defineTable({
    commitTs: v.commitTs(),
    generation: v.optional(v.number()),
    deltas: v.optional(v.boolean()),
    operations: v.array(operation),
  }).index("by_commitTs", ["commitTs"]),
  deadLetterOperations: defineTable({
    commitTs: v.int64(),
    operation,
    error: v.string(),
  }).index("by_commitTs", ["commitTs"]),
  worker: defineTable({
    state: v.union(v.literal("idle"), v.literal("running")),
  }),
  progress: defineTable({
    generation: v.number(),
    run: v.optional(v.id("_scheduled_functions")),
    watchdog: v.optional(v.id("_scheduled_functions")),
    cursor: v.optional(v.int64()),
    workedAtMs: v.number(),
    batchLimit: v.number(),
    isBehind: v.optional(v.boolean()),
    hasDeltas: v.optional(v.boolean()),
  }),
  settings: defineTable({ deltas: v.boolean() }),
  generations: defineTable({
    generation: v.number(),
    definition: v.string(),
    status: v.union(
      v.literal("building"),
      v.literal("checking"),
      v.literal("ready"),
      v.literal("failed"),
      v.literal("dropped"),
    ),
    startedAtMs: v.number(),
    readyAtMs: v.optional(v.number()),
    clearedAtMs: v.optional(v.number()),
    failure: v.optional(v.object({ message: v.string(), documentId: v.optional(v.string()) })),
  })
    .index("by_definition", ["definition"])
    .index("by_generation", ["generation"]),
  builds: defineTable({
    generation: v.number(),
    cursor: v.optional(v.object({ creationTime: v.number(), id: v.string() })),
    isFilled: v.boolean(),
    processed: v.number(),
    total: v.union(v.number(), v.null()),
    span: v.union(v.object({ first: v.number(), last: v.number() }), v.null()),
    batchSize: v.number(),
    activeMs: v.number(),
    latestAtMs: v.number(),
  }).index("by_generation", ["generation"]),
  ...checkTables,
});

export default schema;
