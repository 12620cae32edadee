/**
 * The seam between the engine and aggregates that name their table: what a managed aggregate is to the engine, whoever
 * wrote its class. The component of the aggregate holds all state and does all work, in transactions that the engine
 * opens; the engine sees to it that each write is followed and that work goes on.
 */

/** Of the definition that runs: `empty` when it was not begun, `dropped` when another one has replaced it. */
export type AggregateState = "empty" | "building" | "checking" | "ready" | "failed" | "dropped";

/** What became of one transaction's worth of work. */
export interface Advance {
  /** More is to be done: call again, after `waitMs` if that is given. */
  readonly due: boolean;
  readonly waitMs?: number;
  readonly state: AggregateState;
}

/** The last run of verify or repair that ended. */
export interface LastVerified {
  readonly atMs: number;
  readonly differences: number;
  readonly durationMs: number;
}

/** How an aggregate stands. */
export interface AggregateStatus {
  readonly state: AggregateState;
  /** The fingerprint of what the items are made of. */
  readonly definition: string;
  readonly items: number;
  readonly namespaces: number;
  readonly sum: number;
  readonly sizeBytes: number;
  readonly nodes: number;
  /** Of the documents to build from, those that are in. */
  readonly processed: number;
  /** Null where nobody knows. */
  readonly total: number | null;
  readonly ratePerSecond: number | null;
  readonly etaMs: number | null;
  readonly lastVerified: LastVerified | null;
  /** Differences known to be left; null before the first check. */
  readonly drift: number | null;
  /** The first of the documents that writes came upon, and that no check has looked into since. */
  readonly drifted: readonly DriftedDocument[];
  /** What stops it, while something does. */
  readonly error: string | null;
  /** The document that it happened with, if it was one. */
  readonly errorDocumentId: string | null;
}

/** A document whose item was not what it should have been when the document was written. */
export interface DriftedDocument {
  readonly id: string;
  /** As of a difference. */
  readonly kind: string;
  readonly atMs: number;
}

/** A place where the aggregate and its table do not agree. */
export interface AggregateDifference {
  readonly id: string;
  /** `missing`, `orphaned`, `wrongKey`, `wrongSum`, `wrongNamespace`, `duplicate` or `structure`. */
  readonly kind: string;
  readonly expected: unknown;
  readonly actual: unknown;
  readonly fixed: boolean;
}

/** A run of verify or repair, with one page of what it found. */
export interface VerifyReport {
  readonly runId: string;
  /** Whether it mends what it finds. */
  readonly repair: boolean;
  readonly startedBy: string | null;
  readonly startedAtMs: number;
  /** Until now, while it runs. */
  readonly durationMs: number;
  /** Whether the run has ended. */
  readonly isDone: boolean;
  /** What it is at; null when it is over. */
  readonly phase: string | null;
  /** Why it could not go on; with the document, if it was one. */
  readonly error: string | null;
  readonly errorDocumentId: string | null;
  /** Documents and items that were compared so far. */
  readonly checked: number;
  /** Differences by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many of all differences are mended. */
  readonly fixed: number;
  readonly differences: readonly AggregateDifference[];
  /** For the next page of the differences; null after the last one. */
  readonly continueCursor: string | null;
}

/** One write to the table, as a trigger sees it. */
export interface FollowedChange {
  readonly id: string;
  readonly operation: "insert" | "update" | "delete";
  readonly oldDoc: object | null;
  readonly newDoc: object | null;
}

/**
 * What an exported aggregate offers under `Symbol.for("trueup.aggregate")`.
 *
 * Contract: every method works in the transaction of the `ctx` it is given, which is one of the component that exports
 * the aggregate, and leaves nothing behind but what that transaction commits: whoever calls may die at any time.
 */
export interface ManagedAggregate {
  /** A table of the component that exports it. */
  readonly table: string;
  /** The reference to the component mounted for it: `components.byScore`. */
  readonly component: object;
  readonly definition: string;
  /** How often to verify it, or null. */
  readonly verifyEveryMs: number | null;
  /**
   * Makes this definition the one that is kept in step, and drops others: at once where nobody keeps those in step, else
   * when this one is ready. `standby`: builds beside the one that answers, for a deploy. `fresh`: does not trust what it had
   * built, because it was not kept in step for a while.
   */
  begin(ctx: object, options?: { readonly standby?: boolean; readonly fresh?: boolean }): Promise<unknown>;
  /**
   * Whether a document that changes like this stays the same item, so that a transform of its table need not build the
   * aggregate anew. Left out: it is always built anew.
   */
  isUntouched?(oldDoc: object, newDoc: object): boolean;
  /** Follows one write of the table, in its transaction; does nothing for a definition that was not begun. */
  follow(ctx: object, change: FollowedChange): Promise<void>;
  /** Does a transaction's worth of what is due. */
  advance(ctx: object): Promise<Advance>;
  /** Begins a run, or joins the one that goes on; returns its id. */
  startVerify(
    ctx: object,
    options?: { readonly repair?: boolean; readonly startedBy?: string },
  ): Promise<string>;
  status(ctx: object): Promise<AggregateStatus>;
  /** A page of a run; without an id, of the latest. Null when there is none. */
  report(ctx: object, runId?: string, cursor?: string): Promise<VerifyReport | null>;
}
