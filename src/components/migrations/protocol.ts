/**
 * What the two halves of this room say to each other. The component (which keeps the job) calls the app's
 * migration function (which knows the documents) once a batch, with `MigrationArgs` that carry a `job`; it
 * answers with a `MigrationResult`, or throws one of the failures in `failures.ts`. The same arguments
 * without `oneBatchOnly` are what a person passes on the command line.
 */
import { v, type Validator } from "convex/values";

type Required<T> = Validator<T, "required", string>;
type Optional<T> = Validator<T | undefined, "optional", string>;

/** What the component asks of a migration function, beside the published arguments. */
export type Job = {
  /** `migrate` changes documents; `peek` only names the first document of the batch. */
  kind: "migrate" | "peek";
  /** What the cursor belongs to, as an earlier batch reported it. */
  range?: string;
  /** True in the first batch of a run: report the total if it is known. */
  first?: boolean;
  /** What the component thinks a good batch; a prescribed size still bounds it. */
  batchSize?: number;
  /** A batch of no prescribed size may end when it has run this long. */
  timeLimitMs?: number;
};

const job: Required<Job> = v.object({
  kind: v.union(v.literal("migrate"), v.literal("peek")),
  range: v.optional(v.string()),
  first: v.optional(v.boolean()),
  batchSize: v.optional(v.number()),
  timeLimitMs: v.optional(v.number()),
});

/** Arguments of a migration function and of a runner. */
export type MigrationArgs = {
  /** A runner's migration, as "folder/file:name", or only its name under `migrationsLocationPrefix`. */
  fn?: string;
  /** null begins at the start of the range, a string behind that place; absent resumes. */
  cursor?: string | null;
  /** At most so many documents in one transaction; absent lets batches size themselves. */
  batchSize?: number;
  /** Run one batch, show what it would change, and roll it back. */
  dryRun?: boolean;
  /** Migrations to run after this one. */
  next?: string[];
  /** Begin again, also when it is done or running. */
  reset?: boolean;
  /** Run one batch and schedule nothing. */
  oneBatchOnly?: boolean;
  /** Set by the component. */
  job?: Job;
};

export const migrationArgs: {
  fn: Optional<string>;
  cursor: Optional<string | null>;
  batchSize: Optional<number>;
  dryRun: Optional<boolean>;
  next: Optional<string[]>;
  reset: Optional<boolean>;
  oneBatchOnly: Optional<boolean>;
  job: Optional<Job>;
} = {
  fn: v.optional(v.string()),
  cursor: v.optional(v.union(v.string(), v.null())),
  batchSize: v.optional(v.number()),
  dryRun: v.optional(v.boolean()),
  next: v.optional(v.array(v.string())),
  reset: v.optional(v.boolean()),
  oneBatchOnly: v.optional(v.boolean()),
  job: v.optional(job),
};

/** What one batch did. */
export type MigrationResult = {
  /** Where the next batch begins. */
  continueCursor: string;
  /** True when nothing was left behind the batch. */
  isDone: boolean;
  /** Documents gone through, whether they needed a change or not. */
  processed: number;
  /** Of those, documents that `isMigrated` called done. */
  skipped?: number;
  /** What `continueCursor` belongs to: the table, its index and how the range is bounded. */
  range?: string;
  /** Documents of the whole range when the run began; null when the database cannot tell. */
  total?: number | null;
  /** The largest number of documents this batch would have taken. */
  batchSize?: number;
  /** True when nobody prescribed `batchSize`. */
  adaptive?: boolean;
  /** The share, 0 to 1, of the tightest transaction limit that the batch used. */
  usedShare?: number;
  /** How long it ran; 0 where the clock stands still during a mutation. */
  elapsedMs?: number;
  /** The first document of a batch that was only peeked at. */
  documentId?: string;
};

export type MigrationState = "inProgress" | "success" | "failed" | "canceled" | "unknown";

/** A migration as `getStatus` reports it. */
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
  /** Milliseconds since 1970 at which it last began at a given cursor, 0 if it never did. */
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
  /** Documents a second in the current or latest run; null before its second batch. */
  documentsPerSecond?: number | null;
  /** Estimated time to the end; null when the total or the rate is unknown, or nothing runs. */
  remainingMs?: number | null;
  /** Who started the latest run. */
  startedBy?: string;
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
    v.literal("unknown"),
  ),
  latestStart: v.number(),
  latestEnd: v.optional(v.number()),
  batchSize: v.optional(v.number()),
  next: v.optional(v.array(v.string())),
  total: v.optional(v.union(v.number(), v.null())),
  skipped: v.optional(v.number()),
  documentsPerSecond: v.optional(v.union(v.number(), v.null())),
  remainingMs: v.optional(v.union(v.number(), v.null())),
  startedBy: v.optional(v.string()),
});
