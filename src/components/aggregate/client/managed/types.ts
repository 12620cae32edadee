/**
 * The seam between a managed aggregate and whatever keeps it in step: the engine on Trueup, triggers and scheduled functions
 * elsewhere. A `TableAggregate` with a table carries a `ManagedAggregate` under `managedAggregate`.
 */
import type {
  GenericActionCtx,
  GenericDataModel,
  GenericDocument,
  GenericMutationCtx,
  GenericQueryCtx,
} from "convex/server";
import type { GenericId } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { WrittenItem } from "../operations.js";

/** Where a `TableAggregate` carries its `ManagedAggregate`. */
export const managedAggregate: unique symbol = Symbol.for("trueup.aggregate");

/** Of the definition that runs: `empty` when nothing was ever begun for it, `dropped` when another one has replaced it. */
export type AggregateState = "empty" | "building" | "checking" | "ready" | "failed" | "dropped";

export type StoredDocument = GenericDocument & { _id: GenericId<string>; _creationTime: number };

/** A document before and after a write. */
export interface DocumentImages {
  oldDoc: StoredDocument | null;
  newDoc: StoredDocument | null;
}

/** One write of a document of the table. */
export type DocumentChange =
  | { operation: "insert"; id: string; oldDoc: null; newDoc: StoredDocument }
  | { operation: "update"; id: string; oldDoc: StoredDocument; newDoc: StoredDocument }
  | { operation: "delete"; id: string; oldDoc: StoredDocument; newDoc: null };

/** What status and reports need of a context. */
export type StatusCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
/** What following a write needs of a context: a mutation's, so that both are one transaction, wherever that is possible. */
export type FollowCtx =
  | Pick<GenericMutationCtx<GenericDataModel>, "runQuery" | "runMutation">
  | Pick<GenericActionCtx<GenericDataModel>, "runQuery" | "runMutation">;
/** What a part of a build, or of a check, needs: it reads the table. */
export type AdvanceCtx = Pick<GenericMutationCtx<GenericDataModel>, "db" | "runQuery" | "runMutation"> &
  Partial<Pick<GenericMutationCtx<GenericDataModel>, "meta">>;

/** What an `advance` leaves. */
export interface Advance {
  /** Whether there is more to do: call it again, after `waitMs` if that is given. */
  due: boolean;
  waitMs?: number;
  state: AggregateState;
  /** Whether a build is stopped by an error, which `status` tells; it is tried again at each call. */
  hasFailed: boolean;
}

/** How a build stands. */
export interface BuildProgress {
  /** Documents that are filled in. */
  processed: number;
  /** Documents of the table when the build began; null where the database does not keep the number. */
  total: number | null;
  /** Null before there is anything to tell it from. */
  ratePerSecond: number | null;
  /** When the fill should be complete, in ms from now; null while that is unknown. */
  etaMs: number | null;
}

export interface AggregateStatus extends BuildProgress {
  state: AggregateState;
  definition: string;
  /** 0 while nothing was begun. */
  generation: number;
  items: number;
  namespaces: number;
  /** Of the items' `sumValue`. */
  sum: number;
  /** As nodes are stored; both are projected from a part of the nodes where they are many. */
  nodes: number;
  sizeBytes: number;
  lastVerified: { atMs: number; differences: number; durationMs: number } | null;
  /** Known differences: that the last check left, and that writes have come upon since; null before the first check. */
  drift: number | null;
  /** The documents whose writes came upon an item that was not what it should have been, since a check last looked into it. */
  drifted: DriftedDocument[];
  error: string | null;
  /** The document that a failed build stands before, if it was one. */
  errorDocumentId: string | null;
}

/** A document that a write came upon: its item is right since, and a repair of the others is due. */
export interface DriftedDocument {
  id: string;
  kind: DifferenceKind;
  atMs: number;
}

/** The kinds of differences that a check tells apart. */
export type DifferenceKind =
  | "missing"
  | "orphaned"
  | "wrongKey"
  | "wrongSum"
  | "wrongNamespace"
  | "duplicate"
  | "structure";

/** A table as an aggregate sees it. */
export interface Source {
  readonly component: ComponentApi;
  readonly table: string;
  readonly definition: string;
  /** The item of a document. Throws AGGREGATE_DOCUMENT_FAILED, with the document's id, when a function of the definition throws. */
  itemOf(document: StoredDocument): WrittenItem;
}

export interface StartVerifyOptions {
  /** Also mends what it finds. */
  repair?: boolean | undefined;
  /** Who asked for it, for the report. */
  startedBy?: string | undefined;
}

/** A page of what a check found. */
export interface VerifyReport {
  runId: string;
  repair: boolean;
  startedBy: string | null;
  startedAtMs: number;
  /** Until now, while it goes on. */
  durationMs: number;
  isDone: boolean;
  /** What it is at; null when it is over. */
  phase: string | null;
  /** Why it could not go on; with the document, if it was one. */
  error: string | null;
  errorDocumentId: string | null;
  /** Documents and items that were compared so far. */
  checked: number;
  counts: Record<DifferenceKind, number>;
  /** How many of all differences are mended. */
  fixed: number;
  differences: {
    id: string;
    kind: DifferenceKind;
    expected: unknown;
    actual: unknown;
    fixed: boolean;
  }[];
  /** For the next page of the differences; null after the last one. */
  continueCursor: string | null;
}

export interface BeginOptions {
  /** Only begins the build, beside what runs. */
  standby?: boolean;
  /** Builds anew what there is of the definition: not every write was followed. */
  fresh?: boolean;
}

/** A managed aggregate, as the engine drives it. */
export interface ManagedAggregate {
  /** A table of the app, or of the component, that exports the aggregate. */
  readonly table: string;
  /** The component that holds it: its reference names it. */
  readonly component: ComponentApi;
  /** The fingerprint of the definition. */
  readonly definition: string;
  readonly verifyEveryMs: number | null;
  /**
   * Says that this definition is the one that runs: begins its build if there is none, and drops those of all other
   * definitions.
   */
  begin(ctx: FollowCtx, options?: BeginOptions): Promise<AggregateState>;
  /** Whether a document that changes like this stays the same item. Throws AGGREGATE_DOCUMENT_FAILED. */
  isUntouched(oldDoc: StoredDocument, newDoc: StoredDocument): boolean;
  /**
   * Follows one write of the table, in its transaction. Does not mind what is there already; does nothing when the build was
   * not begun. @throws AGGREGATE_DOCUMENT_FAILED when a function of the definition throws.
   */
  follow(ctx: FollowCtx, change: DocumentChange): Promise<void>;
  /**
   * One transaction's worth of whatever is due: fill, check, verify, repair, clear what was dropped. Nothing is due before
   * `begin`, nor when another definition has replaced this one.
   */
  advance(ctx: AdvanceCtx): Promise<Advance>;
  /** Begins a check, which `advance` then carries out. Returns the run's id. */
  startVerify(ctx: FollowCtx, options?: StartVerifyOptions): Promise<string>;
  status(ctx: StatusCtx): Promise<AggregateStatus>;
  /** What a run, by default the latest, found. */
  report(ctx: StatusCtx, runId?: string, cursor?: string): Promise<VerifyReport | null>;
}
