/**
 * The component's tables. A migration, each of the ranges that it goes through at once, and a check are stored jobs; the three
 * tables share `jobFields`. What the published component stored is valid here. The types of documents are inferred from this.
 */
import { defineSchema, defineTable } from "convex/server";
import { v, type VAny } from "convex/values";
import { checkKind, onError, policy, target } from "./protocol.js";
import {
  counters,
  failures,
  quarantinedDocument,
  runSummary,
  type Rehearsal,
  type Verification,
} from "./status.js";

const scheduled = v.optional(v.id("_scheduled_functions"));

/** A chain of batches over a range: what migrations, ranges and checks have in common. */
const jobFields = {
  /** Where the next batch begins. */
  cursor: v.union(v.string(), v.null()),
  isDone: v.boolean(),
  /** The scheduled function that runs the next batch. */
  workerId: scheduled,
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
  processed: v.number(),
  skipped: v.optional(v.number()),
  failed: v.optional(v.number()),
  /** How many documents have failed since the last that did not. */
  failedInARow: v.optional(v.number()),
  /** The migration function. */
  fnHandle: v.optional(v.string()),
  /** What the cursor belongs to, as the migration function describes it. */
  range: v.optional(v.string()),
  total: v.optional(v.union(v.number(), v.null())),
  /** The batch size that the starter prescribed. */
  batchSize: v.optional(v.number()),
  batches: v.optional(v.number()),
  /** Set when somebody stopped the job or had it undone. */
  halted: v.optional(v.union(v.literal("canceled"), v.literal("paused"), v.literal("reverted"))),
  /** Counts the scheduled workers; a worker of an earlier turn does nothing. */
  turn: v.optional(v.number()),
  /** How large the next batch should be. */
  pace: v.optional(
    v.object({
      /** The number of documents; when it is absent, the migration function decides. */
      batchSize: v.optional(v.number()),
      /** True when one document has failed for want of room: it then gets a whole transaction. */
      alone: v.optional(v.boolean()),
      /** When the latest batch ended, in milliseconds since 1970. */
      latestAt: v.optional(v.number()),
      /** True when a batch of the run has ended before its size: sizes then grow slowly. */
      isSteady: v.optional(v.boolean()),
    }),
  ),
  /** The scheduled function that looks whether the worker is alive. */
  supervisorId: scheduled,
  /** How many workers in a row ended without a trace of their batch. */
  deaths: v.optional(v.number()),
};

const migrations = defineTable({
  ...jobFields,
  name: v.string(),
  latestStart: v.number(),
  latestEnd: v.optional(v.number()),
  /** The migrations that run after this one; with `resetsNext` they begin again though they are done. */
  next: v.optional(v.array(target)),
  resetsNext: v.optional(v.boolean()),
  /** The run in progress, or the latest. */
  run: v.optional(
    v.object({
      id: v.id("runs"),
      startedBy: v.optional(v.string()),
      /** What the migration's counters were when the run began. */
      before: v.object(counters),
      /** When the first and the latest batch ended, and how much was processed by the first. */
      firstAt: v.optional(v.number()),
      firstProcessed: v.optional(v.number()),
      latestAt: v.optional(v.number()),
      isOver: v.boolean(),
    }),
  ),
  /** Set by the starter or while the migration runs, in place of the definition's. */
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
  /** The definition's, as the latest batch reported it. */
  policy: v.optional(policy),
  /** Counts how often the migration began anew; absent is 0. */
  epoch: v.optional(v.number()),
  /** Set while the migration of that epoch is being undone; `until` is how far it had come. */
  reverting: v.optional(v.object({ epoch: v.number(), until: v.optional(v.string()) })),
  /** True while it goes through several ranges at once: these have the cursors, the workers and what they counted. */
  isSplit: v.optional(v.boolean()),
})
  .index("name", ["name"])
  .index("isDone", ["isDone"]);

/** The disjoint ranges that a migration goes through at once; they are gone when all of them are done. */
const ranges = defineTable({
  ...jobFields,
  migration: v.string(),
  /** The place behind which it begins; null is the beginning of everything. */
  from: v.union(v.string(), v.null()),
  /** Its last place; absent for the range that is open at its end. */
  until: v.optional(v.string()),
}).index("migration", ["migration"]);

const runs = defineTable(runSummary).index("migration", ["migration"]);

/** The documents that could not be migrated in that epoch of their migration. */
const quarantine = defineTable({ migration: v.string(), epoch: v.number(), ...quarantinedDocument.fields })
  .index("migration", ["migration", "epoch"])
  .index("document", ["migration", "epoch", "documentId"]);

const findings: VAny<Rehearsal | Verification> = v.any();

/** The rehearsals and verifications of whole migrations. */
const checks = defineTable({
  ...jobFields,
  migration: v.string(),
  kind: checkKind,
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  failures,
  findings,
}).index("migration", ["migration", "kind"]);

export default defineSchema({ migrations, ranges, runs, quarantine, checks });
