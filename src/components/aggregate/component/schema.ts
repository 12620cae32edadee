/** The component's tables: trees and their nodes, the queue with its worker, generations and their builds, and checks. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { checkTables } from "./check/tables.js";
import { generationTables } from "./generation/tables.js";
import { namespace, operation, operations } from "./interface/operation.js";
import { node } from "./nodes/fields.js";

export default defineSchema({
  /** One tree for each namespace of a generation. */
  trees: defineTable({
    /** Absent in the trees of unmanaged aggregates. */
    generation: v.optional(v.number()),
    namespace,
    root: v.string(),
    maxNodeSize: v.number(),
    rootLazy: v.boolean(),
    /** The names of the items' numbers, in the order of the columns; "" is the plain `sumValue`. */
    measures: v.array(v.string()),
    /** True while the damaged tree is rebuilt: then every write goes to its successor (`check/rebuilds.ts`) as well. */
    hasSuccessor: v.optional(v.boolean()),
  })
    .index("by_generation", ["generation", "namespace"])
    .index("by_root", ["root"]),
  nodes: defineTable(node),
  /** Operations of one transaction that wait for the worker. */
  pendingOperations: defineTable({
    commitTs: v.commitTs(),
    /** The generation of a managed aggregate that they are for; absent for an unmanaged one. */
    generation: v.optional(v.number()),
    /** True for deltas, which reads apply themselves; absent for queued operations, which reads do not know. */
    deltas: v.optional(v.boolean()),
    operations,
  }).index("by_commitTs", ["commitTs"]),
  /** Operations that the worker could not apply. */
  deadLetterOperations: defineTable({ commitTs: v.int64(), operation, error: v.string() }).index(
    "by_commitTs",
    ["commitTs"],
  ),
  /** Whether the worker runs. Every enqueue reads this, so it is written only when that changes. */
  worker: defineTable({ state: v.union(v.literal("idle"), v.literal("running")) }),
  /** How far the worker has come. Every run of it writes this. */
  progress: defineTable({
    /** Tells the run that is scheduled from those that another one has replaced. */
    generation: v.number(),
    /** The job of the next run. */
    run: v.optional(v.id("_scheduled_functions")),
    /** The job that makes sure that the next run comes. */
    watchdog: v.optional(v.id("_scheduled_functions")),
    /** Everything that an earlier commit has queued is taken off. */
    cursor: v.optional(v.int64()),
    /** When there was work last, in ms since 1970. */
    workedAtMs: v.number(),
    /** How many operations a run takes at most: fewer after a run that failed as a whole. */
    batchLimit: v.number(),
    /** True while more waits than one run takes. */
    isBehind: v.optional(v.boolean()),
    /** True when deltas were folded since the worker was begun. */
    hasDeltas: v.optional(v.boolean()),
  }),
  /** What is set for the component as a whole: whether writes are appended beside the trees. */
  settings: defineTable({ deltas: v.boolean() }),
  ...generationTables,
  ...checkTables,
});
