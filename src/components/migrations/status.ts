/** What others see of migrations: how they stand, their runs, their checks, and what was put aside. */
import { v, type Validator, type Value } from "convex/values";
import { onError, type OnError } from "./protocol.js";

type Required<T> = Validator<T, "required", string>;

export type MigrationState =
  | "inProgress"
  | "success"
  | "failed"
  | "canceled"
  | "paused"
  | "reverted"
  | "unknown";

/** A migration as `getStatus` reports it; times in milliseconds since 1970. */
export type MigrationStatus = {
  name: string;
  /** Where the next batch begins; null before the first and when it is done. */
  cursor?: string | null;
  /** Documents gone through since it last began at a given cursor. */
  processed: number;
  isDone: boolean;
  /** Why it stopped, if it failed. */
  error?: string;
  /** The document that failed, where it is known. */
  errorDocumentId?: string;
  /** `unknown`: never started, or left between two batches by `oneBatchOnly`. */
  state: MigrationState;
  /** When it last began at a given cursor, 0 if it never did. */
  latestStart: number;
  latestEnd?: number;
  /** The prescribed batch size, if there is one. */
  batchSize?: number;
  /** Migrations that run after this one. */
  next?: string[];
  /** Documents in the range; null when the database cannot tell. */
  total?: number | null;
  /** Of `processed`, documents that were already as they should be. */
  skipped?: number;
  /** Of `processed`, documents that failed and are in quarantine. */
  failed?: number;
  /** Documents a second in the current or latest run; null before its second batch. */
  documentsPerSecond?: number | null;
  /** Estimated time to the end; null when the total or the rate is unknown, or nothing runs. */
  remainingMs?: number | null;
  /** How many disjoint ranges it is going through at once; absent when it is one. */
  ranges?: number;
  /** Who started the latest run. */
  startedBy?: string;
  /** True while it is being undone: the counters are then of that. */
  isReverting?: boolean;
  onError?: OnError;
  maxDocumentsPerSecond?: number;
};

export const migrationStatus: Required<MigrationStatus> = v.object({
  name: v.string(),
  cursor: v.optional(v.union(v.string(), v.null())),
  processed: v.number(),
  isDone: v.boolean(),
  error: v.optional(v.string()),
  errorDocumentId: v.optional(v.string()),
  state: v.union(
    v.literal("inProgress"),
    v.literal("success"),
    v.literal("failed"),
    v.literal("canceled"),
    v.literal("paused"),
    v.literal("reverted"),
    v.literal("unknown"),
  ),
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

export type RunOutcome = "done" | "failed" | "canceled" | "paused" | "died";

/** One run of a migration, from a start or resumption to its end. */
export type RunSummary = {
  migration: string;
  kind: "migrate" | "revert";
  startedAt: number;
  startedBy?: string;
  endedAt?: number;
  /** Absent while it runs; `died` for one that ended without a trace. */
  outcome?: RunOutcome;
  processed: number;
  skipped: number;
  failed: number;
  batches: number;
  error?: string;
  errorDocumentId?: string;
};

/** A document that could not be migrated. */
export type QuarantinedDocument = {
  documentId: string;
  error: string;
  /** When it failed last. */
  failedAt: number;
  attempts: number;
};

/** What a retry of quarantined documents came to so far; what is left is retried in the background. */
export type RetryResult = { migrated: number; failed: number; isDone: boolean };

/** One field that differs; nested objects are compared field by field, everything else as a whole. */
export type FieldDifference =
  | { path: string; kind: "added"; after: Value }
  | { path: string; kind: "removed"; before: Value }
  | { path: string; kind: "changed"; before: Value; after: Value };

/** What a dry run found. Large values are cut to their beginning. */
export type Rehearsal = {
  /** Documents that would be changed or deleted. */
  changed: number;
  unchanged: number;
  /** How often each kind of change occurs, as in `{ "added plan": 90, "removed isPro": 90 }`. */
  changes: Record<string, number>;
  /** Writes to other documents, as in `{ "insert preferences": 12 }`. */
  otherWrites: Record<string, number>;
  /** The first changed documents; `deleted` for one that is gone afterwards. */
  examples: { id: string; deleted?: true; differences: FieldDifference[] }[];
  /** How many documents a second run would change again, or fail on, and the first of them. */
  notIdempotent: number;
  notIdempotentExamples: { id: string; why: string }[];
};

/** What a verification found. */
export type Verification = {
  /** Documents that are not as `isMigrated` wants them, and the first of them. */
  violated: number;
  examples: string[];
};

/** A rehearsal of the whole migration, or a verification, the latest of its kind. */
export type CheckStatus = {
  migration: string;
  state: "inProgress" | "done" | "failed" | "canceled";
  startedAt: number;
  startedBy?: string;
  endedAt?: number;
  processed: number;
  total?: number | null;
  error?: string;
  errorDocumentId?: string;
  /** Documents that failed, and the first of them. */
  failed: number;
  failures: { documentId: string; error: string }[];
} & ({ kind: "rehearse"; findings: Rehearsal } | { kind: "verify"; findings: Verification });
