/** The types of the classes' methods. */
import type {
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
  TableNamesInDataModel,
} from "convex/server";
import type { Value } from "convex/values";
import type { Change } from "../../../triggers/index.js";

/** What reads need of the context of a query. */
export type QueryCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery" | "meta">;
/** What writes need of a mutation's context. */
export type MutationCtx = Pick<GenericMutationCtx<GenericDataModel>, "runQuery" | "runMutation" | "meta">;
/** What reads and writes need of an action's context. Each of their calls is a transaction of its own. */
export type ActionCtx = Pick<
  GenericActionCtx<GenericDataModel>,
  "runQuery" | "runMutation" | "runAction" | "meta"
>;

export type ReadCtx = QueryCtx | MutationCtx | ActionCtx;
export type WriteCtx = MutationCtx | ActionCtx;

/** What items are sorted by: any Convex value, in Convex's order. */
export type Key = Value;

/** An item of an aggregate. */
export interface Item<K extends Key, ID extends string> {
  /** Only in answers about several namespaces: the one it is in. */
  namespace?: Value;
  key: K;
  id: ID;
  /** 0 for an item without one. */
  sumValue: number;
  /** The item's other numbers, by name, if it has any. */
  sumValues?: Record<string, number>;
}

/** One end of a range: at or beyond a key, or at or beyond the one item of the key that has the id. */
export interface Bound<K extends Key, ID extends string> {
  key: K;
  id?: ID | undefined;
  inclusive: boolean;
}

/** A range between two ends; an end that is left out is open. */
export interface SideBounds<K extends Key, ID extends string> {
  lower?: Bound<K, ID> | undefined;
  upper?: Bound<K, ID> | undefined;
}

/** The beginnings of a tuple: of `[string, number]`, they are `[]`, `[string]` and `[string, number]`. */
export type TuplePrefix<K extends unknown[], P extends unknown[] = []> = P["length"] extends K["length"]
  ? P
  : P | TuplePrefix<K, [...P, K[P["length"]]]>;

/** A range of keys: between two ends, below a prefix of keys that are arrays, or a single key. */
export type Bounds<K extends Key, ID extends string> =
  | SideBounds<K, ID>
  | (K extends unknown[] ? { prefix: TuplePrefix<Extract<K, unknown[]>> } : never)
  | { eq: K };

/** Arguments of a method that concerns one namespace, which may be left out when it may be undefined. */
export type NamespacedArgs<Args, Namespace> =
  | (Args & { namespace: Namespace })
  | (Namespace extends undefined ? Args : never);

/** The same, as the last argument, which may be left out as a whole when the namespace may be. */
export type NamespacedOpts<Opts, Namespace> =
  | [{ namespace: Namespace } & Opts]
  | (undefined extends Namespace ? [Opts?] : never);

/** The same, for a list of questions. */
export type NamespacedOptsBatch<Opts, Namespace> = (undefined extends Namespace
  ? Opts
  : { namespace: Namespace } & Opts)[];

/** Several namespaces: all of them, a list, or the arrays among them that start with a prefix. */
export type NamespaceSet<Namespace> =
  | "all"
  | readonly Namespace[]
  | (Namespace extends unknown[] ? { prefix: TuplePrefix<Extract<Namespace, unknown[]>> } : never);

/** Arguments of a read, which may also be about several namespaces as if their items were in one. */
export type ReadOpts<Opts, Namespace> =
  | NamespacedOpts<Opts, Namespace>
  | [{ namespaces: NamespaceSet<Namespace> } & Opts];

/** The same, for a list of questions. */
export type ReadOptsBatch<Opts, Namespace> = (
  | NamespacedOptsBatch<Opts, Namespace>[number]
  | ({ namespaces: NamespaceSet<Namespace> } & Opts)
)[];

/** Which of the items' numbers a read is about: the plain `sumValue`, or one of the `sumValues`. */
export interface OfOption<Values extends string> {
  of?: Values | undefined;
}

/** What a read does while the aggregate is being built: throws AGGREGATE_BUILDING, or waits where it can. */
export type WhileBuilding = "throw" | "wait";

/** Options of every read. */
export interface StaleOption {
  /** For managed aggregates; as the class says when left out. */
  whileBuilding?: WhileBuilding | undefined;
  /** Answers even while writes are queued, without them; in a mutation, from a snapshot that conflicts with no write. */
  stale?: boolean | undefined;
}

/** Options of every write. */
export interface WriteOptions {
  /** Queues the write, to be applied soon by the aggregate's worker. */
  async?: boolean | undefined;
}

export interface RangeOption<K extends Key, ID extends string> {
  bounds?: Bounds<K, ID> | undefined;
}

export type RangeOptions<K extends Key, ID extends string> = RangeOption<K, ID> & StaleOption;

/** Options of every class of aggregates. */
export interface AggregateOptions {
  /**
   * Whether writes are appended beside the trees, where no two of them conflict, and come into the trees in the background;
   * reads add them in and stay exact. As the component is set (`useDeltas`) when left out; where nobody has set it, a managed
   * aggregate takes deltas on a storage that several processes write to, and nothing else does.
   */
  deltas?: boolean | undefined;
}

/** Options of the upkeep of trees. */
export interface TreeOptions {
  /**
   * How many items, or children, a node has at most; even. By default 16, and 32 on Trueup. Larger nodes mean fewer reads and
   * larger writes, and more writes that may go on at the same time below a lazy root.
   */
  maxNodeSize?: number | undefined;
  /** Whether the root keeps no sums, so that writes far apart do not meet; by default where nodes are documents. */
  rootLazy?: boolean | undefined;
}

/** What `Triggers.register` takes. */
export type Trigger<
  Ctx,
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
> = (ctx: Ctx, change: Change<DataModel, TableName>) => Promise<void>;
