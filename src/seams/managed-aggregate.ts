/**
 * The seam between the engine and aggregates that name their table. The component of the aggregate holds all state and does
 * all work, in transactions that its caller opens; the caller sees to it that each write is followed and that work goes on.
 * On Trueup the caller is the engine; elsewhere it is a trigger and a scheduled function of the app.
 */
import type { TableWrite } from "./triggers.js";

/** A `TableAggregate` with a table carries its `ManagedAggregate` under this symbol. */
export const managedAggregate: unique symbol = Symbol.for("trueup.aggregate");

/**
 * How the definition that runs stands: `empty` when no build of it was ever begun, `dropped` when another definition has
 * replaced it.
 */
export type AggregateState = "empty" | "building" | "checking" | "ready" | "failed" | "dropped";

/** What one transaction's worth of work has left to do. */
export interface Advance {
  /** Whether there is more to do: call `advance` again, after `waitMs` if that is given. */
  readonly due: boolean;
  readonly waitMs?: number;
  readonly state: AggregateState;
  /** Whether an error has stopped a build. `status` tells the error, and each call of `advance` tries again. */
  readonly hasFailed: boolean;
  /** The generation that is to be built in bulk, where the caller can do that. Nothing was done for it. */
  readonly bulk?: number;
}

/** What whoever calls `advance` can do besides. */
export interface AdvanceOptions {
  /**
   * Given by a keeper that builds in bulk, with the generation of which it has such a build under way. A generation that somebody
   * else has begun to build, such as a process that died, is replaced by another one.
   */
  readonly bulk?: { readonly underWay: number | null };
}

/** How far a build in bulk is. */
export interface BulkProgress {
  /** How many documents it has taken, as `BuildProgress` counts them. */
  readonly processed: number;
  readonly total: number;
  /** The time that it has taken so far, without breaks. */
  readonly activeMs: number;
}

/**
 * The aggregate's part of a build in bulk of one generation. Whoever carries the build out reads every document of the table
 * once, in any number of snapshots that are not older than the transaction which named the generation; hands the entries over
 * in ascending order; has them checked; and then merges until the aggregate is ready. Writes of the table wait beside until
 * they are merged, so it does not matter which of them a snapshot showed.
 *
 * Contract: one object serves one attempt. What it remembers is lost with the process, and the build begins anew. Methods that
 * return null have done nothing, because the generation was dropped or replaced.
 */
export interface BulkBuild {
  readonly generation: number;
  /**
   * The entry of a document's item: a text of chars up to U+00FF, which sorts as the items do.
   * @throws AGGREGATE_DOCUMENT_FAILED, ITEM_TOO_LARGE
   */
  entryOf(document: object): string;
  /** Takes the next entries up. They go into the trees behind those that were taken up before. */
  pack(entries: readonly string[]): BulkPack;
  /** Whether what was packed is what was read, by their digests. */
  isRight(): boolean;
  /**
   * Merges up to `limit` of the writes that wait. When none is left, the aggregate is ready. Returns whether some are. To be
   * called once everything was packed and is right.
   */
  merge(ctx: object, limit: number): Promise<boolean | null>;
  /** Notes how far the build is, and that it goes on if it had failed. Returns whether it is still wanted. */
  note(ctx: object, progress: BulkProgress): Promise<boolean>;
  /** Notes why the build cannot go on, and the document that is to blame, if one is. */
  fail(ctx: object, error: unknown, documentId?: string): Promise<Advance>;
}

/** Entries that are to be packed. */
export interface BulkPack {
  /** May run again where its transaction could not commit. Its result is to be called once that has committed. */
  run(ctx: object): Promise<(() => void) | null>;
}

/** The latest run of verify or repair that has ended. */
export interface LastVerified {
  readonly atMs: number;
  readonly differences: number;
  readonly durationMs: number;
}

/** How far a build is. */
export interface BuildProgress {
  /** How many documents of the table the build has taken. */
  readonly processed: number;
  /** How many documents the table has; null where the database does not know. */
  readonly total: number | null;
  /** Null until the first batch has been measured. */
  readonly ratePerSecond: number | null;
  /** The estimated time until all documents are taken; null while it is unknown. */
  readonly etaMs: number | null;
}

/** What an aggregate is waiting for, if it does not answer yet. */
export interface AggregateStanding extends BuildProgress {
  readonly state: AggregateState;
  /** The error that stops the aggregate; null while nothing does. */
  readonly error: string | null;
}

/** How an aggregate stands, and what it holds. */
export interface AggregateStatus extends AggregateStanding {
  /** The fingerprint of the definition. */
  readonly definition: string;
  /** The number of the generation that answers, or that is being built; 0 while no build was begun. */
  readonly generation: number;
  readonly items: number;
  readonly namespaces: number;
  /** The sum of the items' `sumValue`. */
  readonly sum: number;
  /** The size of the nodes as they are stored. It and `nodes` are projected from a sample where there are many nodes. */
  readonly sizeBytes: number;
  readonly nodes: number;
  readonly lastVerified: LastVerified | null;
  /**
   * How many differences are known: those that the last check left, and those that writes have met since. Null before the first
   * check.
   */
  readonly drift: number | null;
  /** The first documents whose writes met a wrong item and that no check has looked into since. */
  readonly drifted: readonly DriftedDocument[];
  /** The document that the error happened with, if it was one. */
  readonly errorDocumentId: string | null;
}

/** The kinds of differences that a check tells apart; docs/aggregates.md says what each one is. */
export const differenceKinds = [
  "missing",
  "orphaned",
  "wrongKey",
  "wrongSum",
  "wrongNamespace",
  "duplicate",
  "structure",
] as const;

/** How an item differs from the one that its document should have. */
export type DifferenceKind = (typeof differenceKinds)[number];

/** A document whose item was wrong when the document was written. The item is right since; a repair of the others is due. */
export interface DriftedDocument {
  readonly id: string;
  readonly kind: DifferenceKind;
  readonly atMs: number;
}

/** A place where an aggregate and its table do not agree. */
export interface AggregateDifference {
  /** The id of a document, or the name of a node. */
  readonly id: string;
  readonly kind: DifferenceKind;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly fixed: boolean;
}

/** A run of verify or repair, with one page of the differences that it found. */
export interface VerifyReport {
  readonly runId: string;
  /** Whether the run repairs what it finds. */
  readonly repair: boolean;
  readonly startedBy: string | null;
  readonly startedAtMs: number;
  /** From the start to the end, or until now while the run goes on. */
  readonly durationMs: number;
  readonly isDone: boolean;
  /** What the run is doing; null when it is over. */
  readonly phase: string | null;
  /** Why the run could not go on; null if it could. */
  readonly error: string | null;
  /** The document that the error happened with, if it was one. */
  readonly errorDocumentId: string | null;
  /** How many documents and items were compared so far. */
  readonly checked: number;
  readonly counts: Readonly<Record<DifferenceKind, number>>;
  /** How many of all differences are repaired. */
  readonly fixed: number;
  readonly differences: readonly AggregateDifference[];
  /** The cursor of the next page of differences; null after the last page. */
  readonly continueCursor: string | null;
}

export interface BeginOptions {
  /** Builds beside the definition that answers, as a deploy does before it takes place. */
  readonly standby?: boolean;
  /** Builds anew, because not every write was followed since the last build. */
  readonly fresh?: boolean;
}

export interface StartVerifyOptions {
  /** Also repairs what the run finds. */
  readonly repair?: boolean | undefined;
  /** Who asked for the run; the report tells it. */
  readonly startedBy?: string | undefined;
}

/**
 * What an exported aggregate offers to whoever keeps it in step.
 *
 * Contract: every method works in the transaction of the `ctx` that it is given, which is one of the component that exports
 * the aggregate, and leaves nothing behind but what that transaction commits, because the caller may die at any time.
 */
export interface ManagedAggregate {
  /** A table of the app, or of the component, that exports the aggregate. */
  readonly table: string;
  /** The reference to the component that is mounted for it: `components.byScore`. */
  readonly component: object;
  /** The fingerprint of the definition. */
  readonly definition: string;
  /** How often to verify the aggregate; null for never. */
  readonly verifyEveryMs: number | null;
  /**
   * Makes this definition the one that is kept in step: begins its build if there is none, and drops all other definitions,
   * at once where nobody keeps those in step, else when this one is ready.
   */
  begin(ctx: object, options?: BeginOptions): Promise<AggregateState>;
  /**
   * Whether a document that changes like this keeps the same item, so that a transform of its table need not rebuild the
   * aggregate. Where the method is left out, every transform rebuilds it.
   * @throws AGGREGATE_DOCUMENT_FAILED when a function of the definition throws.
   */
  isUntouched?(oldDoc: object, newDoc: object): boolean;
  /**
   * Follows one write of the table, in the transaction of that write. It may meet what is there already, and does nothing for
   * a definition whose build was not begun.
   * @throws AGGREGATE_DOCUMENT_FAILED when a function of the definition throws.
   */
  follow(ctx: object, change: TableWrite): Promise<void>;
  /**
   * Does one transaction's worth of what is due: fill, check, verify, repair, clear what was dropped. Nothing is due before
   * `begin`, nor after another definition has replaced this one.
   */
  advance(ctx: object, options?: AdvanceOptions): Promise<Advance>;
  /** The aggregate's part of a build in bulk. Where it is left out, `advance` never asks for one. */
  bulkBuild?(generation: number): BulkBuild;
  /** Begins a run, which `advance` then carries out, or joins the run that goes on. Returns the run's id. */
  startVerify(ctx: object, options?: StartVerifyOptions): Promise<string>;
  /** The state of the aggregate, and how far a build is. O(1). */
  standing(ctx: object): Promise<AggregateStanding>;
  /** The same with what it holds. O(namespaces + log n). */
  status(ctx: object): Promise<AggregateStatus>;
  /** A page of what a run found; without an id, of the latest run. Null when there is none. */
  report(ctx: object, runId?: string, cursor?: string): Promise<VerifyReport | null>;
}
