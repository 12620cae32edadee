/**
 * What others see of migrations: how they stand, their runs, their checks, and the documents that were put aside. The
 * validators are the source, the types are inferred from them.
 */
import { v, type Infer, type ObjectType, type VAny, type Value } from "convex/values";
import { onError } from "./protocol.js";

const state = v.union(
  v.literal("inProgress"),
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
  v.literal("paused"),
  v.literal("reverted"),
  v.literal("unknown"),
);
/** How a migration stands. `unknown` means that it was never started, or was left between two batches by `oneBatchOnly`. */
export type MigrationState = Infer<typeof state>;

export const migrationStatus = v.object({
  name: v.string(),
  cursor: v.optional(v.union(v.string(), v.null())),
  processed: v.number(),
  isDone: v.boolean(),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
  state,
  latestStart: v.number(),
  latestEnd: v.optional(v.number()),
  batchSize: v.optional(v.number()),
  next: v.optional(v.array(v.string())),
  total: v.optional(v.union(v.number(), v.null())),
  skipped: v.optional(v.number()),
  failed: v.optional(v.number()),
  documentsPerSecond: v.optional(v.union(v.number(), v.null())),
  remainingMs: v.optional(v.union(v.number(), v.null())),
  ranges: v.optional(v.number()),
  startedBy: v.optional(v.string()),
  isReverting: v.optional(v.boolean()),
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
});
/**
 * A migration as `getStatus` reports it. Times are in milliseconds since 1970.
 * - `cursor`: where the next batch begins, null before the first batch and when the migration is done.
 * - `processed`: the documents gone through since the migration last began at a given cursor. `skipped` of them were
 *   already as they should be, and `failed` of them are in quarantine. `total` is the number of documents in the range,
 *   null when the database cannot tell.
 * - `error`: why the migration stopped, if it failed; `errorDocumentId` is the document that failed, where that is
 *   known.
 * - `latestStart`: when it last began at a given cursor, 0 if it never did; `latestEnd`: when it was done.
 * - `batchSize`: the prescribed size of batches, if there is one; `onError` and `maxDocumentsPerSecond` are likewise
 *   what holds.
 * - `next`: the migrations that run after this one.
 * - `documentsPerSecond`: the rate of the current or latest run, null before its second batch; `remainingMs`: the
 *   estimated time to the end in milliseconds, null when the total or the rate is unknown or nothing runs.
 * - `ranges`: how many disjoint ranges it is going through at once; absent when it is one.
 * - `startedBy`: who started the latest run.
 * - `isReverting`: true while it is being undone; the counters are then those of the revert.
 */
export type MigrationStatus = Infer<typeof migrationStatus>;

export const counters = {
  processed: v.number(),
  skipped: v.number(),
  failed: v.number(),
  batches: v.number(),
};
/** What a run counts: documents gone through, skipped and failed, and batches. */
export type Counters = ObjectType<typeof counters>;

const outcome = v.union(
  v.literal("done"),
  v.literal("failed"),
  v.literal("canceled"),
  v.literal("paused"),
  v.literal("died"),
);
/** How a run ended. `died` is a run that ended without a trace. */
export type RunOutcome = Infer<typeof outcome>;

export const runSummary = v.object({
  ...counters,
  migration: v.string(),
  kind: v.union(v.literal("migrate"), v.literal("revert")),
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  outcome: v.optional(outcome),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
});
/**
 * One run of a migration, from a start or a resumption to its end, with what it counted. Times are in milliseconds since 1970;
 * `endedAt` and `outcome` are absent while it runs.
 */
export type RunSummary = Infer<typeof runSummary>;

export const quarantinedDocument = v.object({
  documentId: v.string(),
  error: v.string(),
  failedAt: v.number(),
  attempts: v.number(),
});
/** A document that could not be migrated. `failedAt` is when it failed last, in milliseconds since 1970. */
export type QuarantinedDocument = Infer<typeof quarantinedDocument>;

export const retryResult = v.object({ migrated: v.number(), failed: v.number(), isDone: v.boolean() });
/** What a retry of quarantined documents came to so far; unless `isDone`, the rest is retried in the background. */
export type RetryResult = Infer<typeof retryResult>;

const value: VAny<Value> = v.any();
const difference = v.union(
  v.object({ path: v.string(), kind: v.literal("added"), after: value }),
  v.object({ path: v.string(), kind: v.literal("removed"), before: value }),
  v.object({ path: v.string(), kind: v.literal("changed"), before: value, after: value }),
);
/** One field that differs. Nested objects are compared field by field, everything else is compared as a whole. */
export type FieldDifference = Infer<typeof difference>;

const rehearsal = v.object({
  changed: v.number(),
  unchanged: v.number(),
  changes: v.record(v.string(), v.number()),
  otherWrites: v.record(v.string(), v.number()),
  examples: v.array(
    v.object({
      id: v.string(),
      deleted: v.optional(v.literal(true)),
      differences: v.array(difference),
    }),
  ),
  notIdempotent: v.number(),
  notIdempotentExamples: v.array(v.object({ id: v.string(), why: v.string() })),
});
/**
 * What a dry run found. Large values are cut to their beginning.
 * - `changed`: how many documents would be changed or deleted, and `unchanged`: how many would not.
 * - `changes`: how often each kind of change occurs, as in `{ "added plan": 90, "removed isPro": 90 }`.
 * - `otherWrites`: the writes to other documents, as in `{ "insert preferences": 12 }`.
 * - `examples`: the first changed documents; `deleted` for one that is gone afterwards.
 * - `notIdempotent`: how many documents a second run would change again or fail on, and the first of them.
 */
export type Rehearsal = Infer<typeof rehearsal>;

const verification = v.object({ violated: v.number(), examples: v.array(v.string()) });
/** What a verification found: how many documents are not as `isMigrated` wants them, and the ids of the first of them. */
export type Verification = Infer<typeof verification>;

export const failures = v.array(v.object({ documentId: v.string(), error: v.string() }));

const checkFields = {
  migration: v.string(),
  state: v.union(v.literal("inProgress"), v.literal("done"), v.literal("failed"), v.literal("canceled")),
  startedAt: v.number(),
  startedBy: v.optional(v.string()),
  endedAt: v.optional(v.number()),
  processed: v.number(),
  total: v.optional(v.union(v.number(), v.null())),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
  failed: v.number(),
  failures,
};
export const checkStatus = v.union(
  v.object({ ...checkFields, kind: v.literal("rehearse"), findings: rehearsal }),
  v.object({ ...checkFields, kind: v.literal("verify"), findings: verification }),
);
/**
 * The latest rehearsal or verification of a whole migration, as `getChecks` reports it. Times are in milliseconds since 1970.
 * `failed` is how many documents failed in it, and `failures` are the first of them.
 */
export type CheckStatus = Infer<typeof checkStatus>;
