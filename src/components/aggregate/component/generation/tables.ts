/**
 * The tables of generations, which are the fills of a managed aggregate, each of them made by one definition. What changes
 * seldom, and what every call reads, is kept apart from the progress, which changes with every batch: so live writers and
 * batches have no document in common.
 */
import { defineTable } from "convex/server";
import { v, type Infer } from "convex/values";
import { operations } from "../interface/operation.js";

/**
 * `building`: being filled. `checking`: filled, and being compared with the table. `ready`: answers reads. `failed`: a document
 * or the check has stopped it; it is still kept in step, and goes on where it stopped. `dropped`: no longer kept in step,
 * and being cleared.
 */
export const generationStatus = v.union(
  v.literal("building"),
  v.literal("checking"),
  v.literal("ready"),
  v.literal("failed"),
  v.literal("dropped"),
);

/** Why a generation, or a run of a check, has failed; with the document at which it did. */
export type Failure = Infer<typeof failure>;
export const failure = v.object({ message: v.string(), documentId: v.optional(v.string()) });

/** A document of a table, as a place in the order of creation. */
export type TableCursor = Infer<typeof tableCursor>;
export const tableCursor = v.object({ creationTime: v.number(), id: v.string() });

/** How large a table is when its build begins. */
export const tableSize = {
  /** The number of documents; null where the database does not keep it. */
  total: v.union(v.number(), v.null()),
  /** When the oldest and the newest document were created: where there is no total, they tell how far the build is. */
  span: v.union(v.object({ first: v.number(), last: v.number() }), v.null()),
};

export const generationTables = {
  /** Generation 0, the one of unmanaged aggregates, has no document. */
  generations: defineTable({
    /** Counted from 1, and never used twice. */
    generation: v.number(),
    /** The fingerprint of the definition that fills it; the table's name is in it. */
    definition: v.string(),
    status: generationStatus,
    startedAtMs: v.number(),
    readyAtMs: v.optional(v.number()),
    /** When nothing was left of a dropped one. */
    clearedAtMs: v.optional(v.number()),
    failure: v.optional(failure),
    /** True while it is built in bulk: then nothing but the build writes to its trees, and other writes wait beside. */
    inBulk: v.optional(v.boolean()),
    /** True when nothing is appended beside any more: new writes are deltas, which follow when the others are merged. */
    isSealed: v.optional(v.boolean()),
  })
    .index("by_definition", ["definition"])
    .index("by_generation", ["generation"]),
  /** How far the fill of a generation has come. Every batch writes it, and nothing else does. */
  builds: defineTable({
    generation: v.number(),
    /** Everything up to here is filled in; absent before the first batch. */
    cursor: v.optional(tableCursor),
    /** True when the fill has met the end of the table. */
    isFilled: v.boolean(),
    processed: v.number(),
    ...tableSize,
    /** How many documents the next batch may take. */
    batchSize: v.number(),
    /** The time that passed between batches, without breaks. */
    activeMs: v.number(),
    latestAtMs: v.number(),
  }).index("by_generation", ["generation"]),
  /** Writes that wait beside a generation that is built in bulk, in the order of their commits. */
  besideOperations: defineTable({ generation: v.number(), commitTs: v.commitTs(), operations }).index(
    "by_generation",
    ["generation", "commitTs"],
  ),
};
