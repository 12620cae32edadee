/**
 * What the two halves of this room say to each other. The component (which keeps the job) calls the app's
 * migration function (which knows the documents) once a batch, with `MigrationArgs` that carry a `job`; it
 * answers with a `MigrationResult`, or throws one of the failures in `failures.ts`. The same arguments
 * without `oneBatchOnly` are what a person passes on the command line. `status.ts` has what others see.
 */
import { v, type Validator } from "convex/values";

type Required<T> = Validator<T, "required", string>;
type Optional<T> = Validator<T | undefined, "optional", string>;

/** What to do about a document that cannot be migrated: stop, or put it aside and go on. */
export type OnError = "stop" | "quarantine";

export const onError: Required<OnError> = v.union(v.literal("stop"), v.literal("quarantine"));

/**
 * What a batch is for: `migrate` and `revert` change documents; `rehearse` does and rolls back; `verify` asks
 * `isMigrated`; `retry` migrates the documents of `ids`; `peek` only names the first document.
 */
export type JobKind = "migrate" | "revert" | "rehearse" | "verify" | "retry" | "peek";

/** What the component asks of a migration function, beside the published arguments. */
export type Job = {
  kind: JobKind;
  /** What the cursor belongs to, as an earlier batch reported it. */
  range?: string;
  /** True in the first batch of a run: report the total if it is known. */
  first?: boolean;
  /** What the component thinks a good batch; a prescribed size still bounds it. */
  batchSize?: number;
  /** The rate that the starter or somebody since wants, in place of the definition's. */
  maxDocumentsPerSecond?: number;
  /** A batch of no prescribed size may end when it has run this long. */
  timeLimitMs?: number;
  /** The last place to go to: how far what is reverted had come. */
  until?: string;
  /** The last place of the range that this batch belongs to, where a migration goes through several at once. */
  end?: string;
  /** Documents to retry; documents to leave out of a revert. */
  ids?: string[];
};

const job: Required<Job> = v.object({
  kind: v.union(
    v.literal("migrate"),
    v.literal("revert"),
    v.literal("rehearse"),
    v.literal("verify"),
    v.literal("retry"),
    v.literal("peek"),
  ),
  range: v.optional(v.string()),
  first: v.optional(v.boolean()),
  batchSize: v.optional(v.number()),
  maxDocumentsPerSecond: v.optional(v.number()),
  timeLimitMs: v.optional(v.number()),
  until: v.optional(v.string()),
  end: v.optional(v.string()),
  ids: v.optional(v.array(v.string())),
});

/** Arguments of a migration function and of a runner. */
export type MigrationArgs = {
  /** A runner's migration, as "folder/file:name", or only its name under `migrationsLocationPrefix`. */
  fn?: string;
  /** null begins at the start of the range, a string behind that place; absent resumes. */
  cursor?: string | null;
  /** At most so many documents in one transaction; absent lets batches size themselves. */
  batchSize?: number;
  /** Show what the first batch would change, and roll it back. */
  dryRun?: boolean;
  /** With `dryRun`: rehearse the whole migration, batch by batch, in the background. */
  full?: boolean;
  /** Migrations to run after this one. */
  next?: string[];
  /** Begin again, also when it is done or running. */
  reset?: boolean;
  /** Run one batch and schedule nothing. */
  oneBatchOnly?: boolean;
  /** In place of the definition's. */
  onError?: OnError;
  /** In place of the definition's. */
  maxDocumentsPerSecond?: number;
  /** Set by the component. */
  job?: Job;
};

export const migrationArgs: {
  [Name in keyof MigrationArgs]-?: Optional<Exclude<MigrationArgs[Name], undefined>>;
} = {
  fn: v.optional(v.string()),
  cursor: v.optional(v.union(v.string(), v.null())),
  batchSize: v.optional(v.number()),
  dryRun: v.optional(v.boolean()),
  full: v.optional(v.boolean()),
  next: v.optional(v.array(v.string())),
  reset: v.optional(v.boolean()),
  oneBatchOnly: v.optional(v.boolean()),
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
  job: v.optional(job),
};

/** What a definition says about how to run it. */
export type Policy = { onError?: OnError; maxDocumentsPerSecond?: number };

/** What one batch did. */
export type MigrationResult = {
  /** Where the next batch begins. */
  continueCursor: string;
  /** True when nothing was left behind the batch. */
  isDone: boolean;
  /** Of a batch with nothing left behind it: the place behind its last document, where new ones will come. */
  lastCursor?: string;
  /** Documents gone through, whether they needed a change or not. */
  processed: number;
  /** Of those, documents that were as they should be already. */
  skipped?: number;
  /** What `continueCursor` belongs to: the table, its index and how the range is bounded. */
  range?: string;
  /** Documents of the whole range when the run began; null when the database cannot tell. */
  total?: number | null;
  /** Of a first batch: places that divide what is left into the ranges that the definition wants. */
  splits?: string[];
  /** The largest number of documents this batch would have taken. */
  batchSize?: number;
  /** True when nobody prescribed `batchSize`. */
  adaptive?: boolean;
  /** The share, 0 to 1, of the tightest transaction limit that the batch used. */
  usedShare?: number;
  /** How long it ran; 0 where the clock stands still during a mutation. */
  elapsedMs?: number;
  policy?: Policy;
  /** The first document of a batch that was only peeked at. */
  documentId?: string;
  /** Documents that a verification found not migrated. */
  violations?: string[];
};
