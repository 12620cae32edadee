/** The tables of checks: runs, how far they have come, and what they found; `check/types.ts` says what is in them. */
import { defineTable, type TableDefinition } from "convex/server";
import { v, type Validator } from "convex/values";
import { differenceKinds } from "../../../../seams/index.js";
import { checkPhases, type DriftedDocument } from "./types.js";

const run = v.id("checkRuns");
const kind = v.union(...differenceKinds.map((name) => v.literal(name)));
const numbersOrNulls = v.array(v.union(v.number(), v.null()));

/** A document that a write came upon. */
export const drifted: Validator<DriftedDocument, "required", string> = v.object({
  id: v.string(),
  kind,
  atMs: v.number(),
});

export const checkTables: Record<
  "checkRuns" | "checkSteps" | "checkBuckets" | "checkSums" | "checkDamage" | "differences" | "drift",
  TableDefinition
> = {
  drift: defineTable({
    generation: v.number(),
    count: v.number(),
    documents: v.array(drifted),
    run: v.optional(run),
  }).index("by_generation", ["generation"]),
  checkRuns: defineTable({
    generation: v.number(),
    repair: v.boolean(),
    startedBy: v.string(),
    startedAtMs: v.number(),
    status: v.union(v.literal("running"), v.literal("done"), v.literal("failed")),
    durationMs: v.optional(v.number()),
    checked: v.optional(v.object({ nodes: v.number(), items: v.number(), documents: v.number() })),
    failure: v.optional(v.object({ message: v.string(), documentId: v.optional(v.string()) })),
    counts: v.record(v.string(), v.number()),
    fixed: v.number(),
  }).index("by_generation", ["generation"]),
  checkSteps: defineTable({
    run,
    phase: v.union(...checkPhases.map((name) => v.literal(name))),
    place: v.optional(v.object({ namespace: v.optional(v.any()), from: v.union(v.string(), v.null()) })),
    cursor: v.optional(v.object({ creationTime: v.number(), id: v.string() })),
    batchSize: v.number(),
    nodes: v.number(),
    items: v.number(),
    documents: v.number(),
  }).index("by_run", ["run"]),
  checkBuckets: defineTable({
    run,
    separators: v.array(v.string()),
    stride: v.number(),
    behind: v.number(),
    last: v.string(),
  }).index("by_run", ["run"]),
  checkSums: defineTable({
    run,
    documentCounts: v.array(v.number()),
    documentDigests: numbersOrNulls,
    treeCounts: v.array(v.number()),
    treeDigests: numbersOrNulls,
  }).index("by_run", ["run"]),
  checkDamage: defineTable({
    run,
    space: v.string(),
    namespace: v.optional(v.any()),
    state: v.union(v.literal("found"), v.literal("planted"), v.literal("installed")),
  })
    .index("by_run", ["run", "space"])
    .index("by_run_and_state", ["run", "state"]),
  differences: defineTable({
    run,
    id: v.string(),
    kind,
    expected: v.any(),
    actual: v.any(),
    fixed: v.boolean(),
  })
    .index("by_run", ["run"])
    .index("by_run_and_id", ["run", "id"])
    .index("by_run_and_kind", ["run", "kind", "fixed"]),
};
