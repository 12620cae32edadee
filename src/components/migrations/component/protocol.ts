/**
 * What the two halves of this room and their callers say to each other. The component, which keeps the job, calls the app's
 * migration function, which knows the documents, once for each batch: with `MigrationArgs` that carry a `BatchRequest`. The
 * function answers with a `MigrationResult` or throws one of the errors in `failures.ts`. A person on the command line passes
 * the same arguments without `oneBatchOnly`. The validators are the source, the types are inferred from them.
 */
import { v, type Infer, type ObjectType } from "convex/values";

export const onError = v.union(v.literal("stop"), v.literal("quarantine"));
/** What to do about a document that cannot be migrated: stop the migration, or put the document aside and go on. */
export type OnError = Infer<typeof onError>;

export const policy = v.object({
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
});
/** What a definition says about how to run it. */
export type Policy = Infer<typeof policy>;

const request = v.object({
  /**
   * `migrate` and `revert` change documents, `rehearse` does so and rolls back, `verify` asks `isMigrated`, `retry` migrates
   * the documents of `ids`, and `peek` only names the first document.
   */
  kind: v.union(
    v.literal("migrate"),
    v.literal("revert"),
    v.literal("rehearse"),
    v.literal("verify"),
    v.literal("retry"),
    v.literal("peek"),
  ),
  /** What the cursor belongs to, as an earlier batch reported it. */
  range: v.optional(v.string()),
  /** True in the first batch of a run: the batch then reports the total if it is known. */
  first: v.optional(v.boolean()),
  /** What the component takes for a good size of the batch; a prescribed size still bounds it. */
  batchSize: v.optional(v.number()),
  /** The rate that the starter or somebody since then wants, in place of the definition's. */
  maxDocumentsPerSecond: v.optional(v.number()),
  /** A batch of no prescribed size may end when it has run this long. */
  timeLimitMs: v.optional(v.number()),
  /** The last place to go to: how far the migration that is reverted had come. */
  until: v.optional(v.string()),
  /** The last place of the range that the batch belongs to, where a migration goes through several ranges at once. */
  end: v.optional(v.string()),
  /** The documents to retry; the documents to leave out of a revert. */
  ids: v.optional(v.array(v.string())),
});
/**
 * How many milliseconds of the processor a batch takes, with its commit, while others wait for their turn. They include what
 * other threads of the process do, above all the garbage collector, so by the clock it is less on a machine that is not busy.
 */
export const sharedTurnMs = 14;

/** What the component asks of a migration function, beside the published arguments. */
export type BatchRequest = Infer<typeof request>;

export const migrationArgs = {
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
  job: v.optional(request),
};
/**
 * The arguments of a migration function and of a runner.
 * - `fn`: the migration that a runner starts, as "folder/file:name", or only its name under `migrationsLocationPrefix`.
 * - `cursor`: null begins at the start of the range, a string begins behind that place; when it is absent, the
 *   migration resumes.
 * - `batchSize`: at most so many documents in one transaction; when it is absent, batches size themselves.
 * - `dryRun`: shows what the first batch would change, and rolls it back. With `full` the whole migration is rehearsed,
 *   batch by batch, in the background.
 * - `next`: the names of migrations to run after this one.
 * - `reset`: begins again, even when the migration is done or running.
 * - `oneBatchOnly`: runs one batch and schedules nothing.
 * - `onError`, `maxDocumentsPerSecond`: take the place of what the definition says.
 * - `job`: only the component sets it.
 */
export type MigrationArgs = ObjectType<typeof migrationArgs>;

/** What one batch did. */
export type MigrationResult = {
  /** Where the next batch begins. */
  continueCursor: string;
  /** True when nothing was left behind the batch. */
  isDone: boolean;
  /** Of a batch with nothing left behind it: the place behind its last document, where new documents will come. */
  lastCursor?: string;
  /** How many documents the batch went through, whether they needed a change or not. */
  processed: number;
  /** How many of those were already as they should be. */
  skipped?: number;
  /** What `continueCursor` belongs to: the table, its index and how the range is bounded. */
  range?: string;
  /** Of a first batch: the documents of the whole range when the run began; null when the database cannot tell. */
  total?: number | null;
  /** Of a first batch: the places that divide what is left into as many ranges as the definition wants. */
  splits?: string[];
  /** The largest number of documents that the batch would have taken. */
  batchSize?: number;
  /** True when nobody prescribed `batchSize`. */
  adaptive?: boolean;
  /** The share, from 0 to 1, of the tightest transaction limit that the batch used. */
  usedShare?: number;
  /** How long it takes with its commit, as far as it can tell; 0 where the clock stands still during a mutation. */
  tookMs?: number;
  /** True when others wait for their turns, so that the batch should take no longer than they should wait. */
  isShared?: boolean;
  /** What the definition says about errors and the rate. */
  policy?: Policy;
  /** The first document of a batch that was only peeked at. */
  documentId?: string;
  /** The ids of the documents that a verification found not migrated. */
  violations?: string[];
};

export const target = v.object({ name: v.string(), fnHandle: v.string() });
/** A migration by its name and its function. */
export type Target = Infer<typeof target>;

export const startArgs = {
  ...target.fields,
  cursor: v.optional(v.union(v.string(), v.null())),
  batchSize: v.optional(v.number()),
  oneBatchOnly: v.optional(v.boolean()),
  next: v.optional(v.array(target)),
  dryRun: v.boolean(),
  reset: v.optional(v.boolean()),
  onError: v.optional(onError),
  maxDocumentsPerSecond: v.optional(v.number()),
  startedBy: v.optional(v.string()),
};
/** What starts or resumes a migration. */
export type StartArgs = ObjectType<typeof startArgs>;

export const checkKind = v.union(v.literal("rehearse"), v.literal("verify"));
/** A check either rehearses a whole migration, which changes nothing, or verifies its documents. */
export type CheckKind = Infer<typeof checkKind>;

export const checkArgs = {
  name: v.string(),
  kind: checkKind,
  fnHandle: v.optional(v.string()),
  batchSize: v.optional(v.number()),
  startedBy: v.optional(v.string()),
};
/** What starts a rehearsal or a verification. */
export type CheckArgs = ObjectType<typeof checkArgs>;

export const tuning = v.object({
  batchSize: v.optional(v.union(v.number(), v.null())),
  maxDocumentsPerSecond: v.optional(v.union(v.number(), v.null())),
  onError: v.optional(v.union(onError, v.null())),
});
/** What can be changed while a migration runs. A value replaces the definition's; null goes back to the definition's. */
export type Tuning = Infer<typeof tuning>;
