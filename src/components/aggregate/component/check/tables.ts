/**
 * The tables of checks. A run's record changes with its findings. How far a run has come is kept apart, in documents that only
 * its own steps read and write, so that no writer of the aggregate ever meets a check.
 */
import { defineTable } from "convex/server";
import { v, type Infer } from "convex/values";
import { differenceKinds } from "../../../../seams/index.js";
import { failure, tableCursor } from "../generation/tables.js";
import { namespace, value } from "../interface/operation.js";
import { numberOrNull } from "../interface/question.js";

export const differenceKind = v.union(...differenceKinds.map((name) => v.literal(name)));

/** How many differences there are of each kind. */
export type DifferenceCounts = Infer<typeof differenceCounts>;
export const differenceCounts = v.object({
  missing: v.number(),
  orphaned: v.number(),
  wrongKey: v.number(),
  wrongSum: v.number(),
  wrongNamespace: v.number(),
  duplicate: v.number(),
  structure: v.number(),
});

/** A document that a write came upon, whose item was not what it should have been. */
export const driftedDocument = v.object({ id: v.string(), kind: differenceKind, atMs: v.number() });

/** How much a run has compared. */
export const compared = { nodes: v.number(), items: v.number(), documents: v.number() };

export const runStatus = v.union(v.literal("running"), v.literal("done"), v.literal("failed"));

/**
 * What a run does next. `structure`: compare each node with its parent. `digest`: add up the documents. `compare`: fold the
 * trees over the same ranges. Where they differ, `items`: look up each item's document, and `documents`: each document's
 * item. For trees that are damaged, `plant` successors, `refill` them from the table, `install` them in their place.
 */
export type CheckPhase = Infer<typeof checkPhase>;
export const checkPhase = v.union(
  v.literal("structure"),
  v.literal("digest"),
  v.literal("compare"),
  v.literal("items"),
  v.literal("documents"),
  v.literal("plant"),
  v.literal("refill"),
  v.literal("install"),
);

/** A place in the trees of a generation: in that of a namespace or, where that is absent, in the tree without one. */
export type TreePlace = Infer<typeof treePlace>;
const treePlace = v.object({
  namespace,
  /** The encoded position to go on at, or null when this tree is done. */
  from: v.union(v.string(), v.null()),
});

const run = v.id("checkRuns");
const digests = v.array(numberOrNull);

export const checkTables = {
  /** What writes have come upon in a generation since a check last looked into it. */
  drift: defineTable({
    generation: v.number(),
    /** The number of documents. */
    count: v.number(),
    /** The first of them. */
    documents: v.array(driftedDocument),
    /** The run that was begun after the latest of them; absent until there is one. */
    run: v.optional(run),
  }).index("by_generation", ["generation"]),
  /** The runs, each with a summary of what it has found so far. */
  checkRuns: defineTable({
    generation: v.number(),
    repair: v.boolean(),
    startedBy: v.string(),
    startedAtMs: v.number(),
    status: runStatus,
    /** From the start to the end of a run that is over. */
    durationMs: v.optional(v.number()),
    /** Of a run that is over. */
    checked: v.optional(v.object(compared)),
    failure: v.optional(failure),
    /** The number of differences by `DifferenceKind`. */
    counts: v.record(v.string(), v.number()),
    /** How many of the differences are mended. */
    fixed: v.number(),
  }).index("by_generation", ["generation"]),
  /** How far a run has come. Each of its steps writes this. */
  checkSteps: defineTable({
    run,
    phase: checkPhase,
    /** Where a phase that goes through the trees continues; absent at the first tree. */
    place: v.optional(treePlace),
    /** Where a phase that goes through the table continues; absent at the first document. */
    cursor: v.optional(tableCursor),
    /** How many documents, or items, the next step may take. */
    batchSize: v.number(),
    ...compared,
  }).index("by_run", ["run"]),
  /** Where a run's buckets end, and how those ends are collected. */
  checkBuckets: defineTable({
    run,
    separators: v.array(v.string()),
    stride: v.number(),
    behind: v.number(),
    last: v.string(),
  }).index("by_run", ["run"]),
  /** What a run has added up, by bucket: of the documents, and of the trees. */
  checkSums: defineTable({
    run,
    documentCounts: v.array(v.number()),
    documentDigests: digests,
    treeCounts: v.array(v.number()),
    treeDigests: digests,
  }).index("by_run", ["run"]),
  /** The trees whose structure is damaged. Only rebuilding helps them, so their items are not looked at. */
  checkDamage: defineTable({
    run,
    /** The encoding of the namespace. */
    space: v.string(),
    namespace,
    /** `planted`: it has a successor. `installed`: the successor has taken its place. */
    state: v.union(v.literal("found"), v.literal("planted"), v.literal("installed")),
  })
    .index("by_run", ["run", "space"])
    .index("by_run_and_state", ["run", "state"]),
  /** What a run has found. */
  differences: defineTable({
    run,
    /** The document's id, or the name of a node. */
    id: v.string(),
    kind: differenceKind,
    /** What should be there (`ShownItem`); null for nothing. */
    expected: value,
    /** What was found instead (`ShownItem`, or `ShownDamage` of a node); null for nothing. */
    actual: value,
    fixed: v.boolean(),
  })
    .index("by_run", ["run"])
    .index("by_run_and_id", ["run", "id"])
    .index("by_run_and_kind", ["run", "kind", "fixed"]),
};
