/** The types of what `@convex-dev/aggregate` 0.3 stores: one B-tree for each namespace, whose nodes hold items at every level. */
import type {
  GenericDatabaseReader,
  GenericDatabaseWriter,
  GenericMutationCtx,
  SystemIndexes,
} from "convex/server";
import type { CommitTsPlaceholder, GenericId, Value } from "convex/values";

/** `k` is a position, `v` repeats the item's id, `s` is its summand, or 0 where it has none. */
export type PublishedItem = { k: Value; v: Value; s: number };

export type PublishedNode = {
  items: PublishedItem[];
  /** A leaf has none; any other node has one more than items. */
  subtrees: GenericId<"btreeNode">[];
  /** The count and sum of all items in this node and below; absent in a lazy root. */
  aggregate?: { count: number; sum: number };
};

export type PublishedTree = { root: GenericId<"btreeNode">; namespace?: Value; maxNodeSize: number };

type Namespace = { namespace?: Value };
type Insertion = { key: Value; value: Value; summand?: number } & Namespace;
type Move = {
  currentKey: Value;
  newKey: Value;
  value: Value;
  summand?: number;
  newNamespace?: Value;
} & Namespace;

export type PublishedOperation =
  | ({ type: "insert" } & Insertion)
  | ({ type: "delete" | "deleteIfExists"; key: Value } & Namespace)
  | ({ type: "replace" | "replaceOrInsert" } & Move);

export type PublishedDeadLetter = { commitTs: bigint; operation: PublishedOperation; error: string };

type Table<Name extends string, Fields> = {
  document: Fields & { _id: GenericId<Name>; _creationTime: number };
  fieldPaths: Extract<keyof Fields, string> | "_id" | "_creationTime";
  indexes: SystemIndexes;
  searchIndexes: Record<never, never>;
  vectorIndexes: Record<never, never>;
};

export type PublishedDataModel = {
  btree: Table<"btree", PublishedTree>;
  btreeNode: Table<"btreeNode", PublishedNode>;
  pendingOperations: Table<
    "pendingOperations",
    { commitTs: bigint | CommitTsPlaceholder; operations: PublishedOperation[] }
  >;
  deadLetterOperations: Table<"deadLetterOperations", PublishedDeadLetter>;
};

export type PublishedReader = GenericDatabaseReader<PublishedDataModel>;
export type PublishedWriter = GenericDatabaseWriter<PublishedDataModel>;
export type PublishedCtx = GenericMutationCtx<PublishedDataModel>;
