/**
 * What the component stores and is told, as types; `interface/validators.ts` states the same to Convex. Nodes keep their entries in
 * columns, one array of keys, one of ids, one per measure, which are smaller and quicker to convert than lists of objects.
 * (Aliases, not interfaces: only those are documents to Convex's types.)
 */
import type { CommitTsPlaceholder, GenericId, Value } from "convex/values";
import type { ExactSum } from "../../tree/index.js";

/** The tree of one namespace. */
export type TreeFields = {
  /** Absent in the trees of unmanaged aggregates. */
  generation?: number;
  namespace?: Value;
  root: string;
  maxNodeSize: number;
  rootLazy: boolean;
  /** The names of the items' numbers, in the order of the columns; "" is the plain `sumValue`. */
  measures: string[];
  /** Present while the tree, which is damaged, is made anew: then its successor (`check/rebuilds.ts`) sees every write too. */
  hasSuccessor?: boolean;
};

/** A node with items: `values[measure][item]`, null where an item lacks the measure. */
export type LeafFields = {
  keys: Value[];
  ids: string[];
  values: (number | null)[][];
};

/** The summaries of one measure, by child. */
export type MeasureColumns = {
  counts: number[];
  sums: ExactSum[];
  mins: (number | null)[];
  maxs: (number | null)[];
};

/** The summaries of a branch's children. A digest is null while it is unknown. */
export type SummaryColumns = {
  counts: number[];
  digests: (number | null)[];
  measures: MeasureColumns[];
};

/** A node with children, whose lowest positions are `keys` and `ids`. A lazy root has no `summaries`. */
export type BranchFields = {
  level: number;
  /** Refs of nodes: ids of their documents, or names of their cells. */
  nodes: string[];
  keys: Value[];
  ids: string[];
  summaries?: SummaryColumns;
};

export type NodeFields = LeafFields | BranchFields;

/** The numbers of an item: its plain `sumValue`, and more of them by name. */
export type ItemValues = {
  sumValue?: number | undefined;
  sumValues?: Record<string, number> | undefined;
};

/** Names an item. */
export type ItemPlace = {
  key: Value;
  id: string;
  namespace?: Value | undefined;
};

/** An item that moves to another key or namespace, or only gets other values. */
export type ItemMove = ItemValues & {
  currentKey: Value;
  newKey: Value;
  id: string;
  namespace?: Value | undefined;
  newNamespace?: Value | undefined;
};

/**
 * What a follower of a table knows of the item that was there before its document was written: its values, or null when
 * there was none. An aggregate in which this is not so has drifted (`check/drift.ts`).
 */
export type ItemBefore = {
  before?: ItemValues | null | undefined;
};

/** One write. `put` adds an item, or gives the one that stands there new values. */
export type Operation = ItemBefore &
  (
    | ({ type: "insert" | "put" } & ItemPlace & ItemValues)
    | ({ type: "delete" | "deleteIfExists" } & ItemPlace)
    | ({ type: "replace" | "replaceOrInsert" } & ItemMove)
  );

/** Operations of one transaction that wait for the worker. */
export type PendingFields = {
  commitTs: bigint | CommitTsPlaceholder;
  /** The generation of a managed aggregate that they are for; absent for an unmanaged one. */
  generation?: number;
  /** True of deltas, which reads apply themselves; absent of queued operations, which reads do not know. */
  deltas?: boolean;
  operations: Operation[];
};

/** An operation that the worker could not apply. */
export type DeadLetterFields = {
  commitTs: bigint;
  operation: Operation;
  error: string;
};

/** Whether the worker is at it. Read by every enqueue, so written only when that changes. */
export type WorkerFields = {
  state: "idle" | "running";
};

/** How far the worker has come. Written by every run of it. */
export type ProgressFields = {
  /** Tells the run that is scheduled from those that another one has replaced. */
  generation: number;
  /** The job of the next run, and the one that sees to it that it comes. */
  run?: GenericId<"_scheduled_functions">;
  watchdog?: GenericId<"_scheduled_functions">;
  /** Everything that was queued by an earlier commit has been taken off. */
  cursor?: bigint;
  /** When there was work last, in ms since 1970. */
  workedAtMs: number;
  /** How many operations a run takes at most: fewer after one that failed as a whole. */
  batchLimit: number;
  /** True while more waits than a run is told of. */
  isBehind?: boolean;
  /** True when deltas were folded since the worker was begun. */
  hasDeltas?: boolean;
};

/** What is set for the component as a whole. */
export type SettingsFields = {
  /** Whether writes are appended beside the trees. */
  deltas: boolean;
};

/** What the worker is told of: operations that were appended together. */
export type QueueEntry = {
  id: GenericId<"pendingOperations">;
  commitTs: bigint;
};

/** The oldest entries, whether there are others behind them, and whether there are deltas among them. */
export type QueueBatch = {
  entries: QueueEntry[];
  hasMore: boolean;
  hasDeltas: boolean;
};
