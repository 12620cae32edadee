/** An aggregate of items that the caller makes: keys, ids and sums of its own choice. */
import type { Value } from "convex/values";
import { Aggregate, type Operation } from "./aggregate.js";
import { deleteOperation, insertOperation, putOperation, replaceOperation } from "./operations.js";
import type { Key, NamespacedArgs, WriteCtx, WriteOptions } from "./types.js";

/** The type parameters of a `DirectAggregate`. */
export interface DirectAggregateType<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined = undefined,
> {
  Key: K;
  Id: ID;
  Namespace?: Namespace;
}

type AnyType = DirectAggregateType<Key, string, Value | undefined>;
type NamespaceOf<T extends AnyType> = "Namespace" extends keyof T ? T["Namespace"] : undefined;

type Place<K extends Key, ID extends string, Namespace> = NamespacedArgs<{ key: K; id: ID }, Namespace>;
type Placed<K extends Key, ID extends string, Namespace> = NamespacedArgs<
  { key: K; id: ID; sumValue?: number | undefined },
  Namespace
>;
type Target<K extends Key, Namespace> = NamespacedArgs<{ key: K; sumValue?: number | undefined }, Namespace>;

/** One write of a batch; each type takes what the method of its name takes. */
export type AggregateOperation<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined = undefined,
> =
  | ({ type: "insert" | "insertIfDoesNotExist" } & Placed<K, ID, Namespace>)
  | ({ type: "delete" | "deleteIfExists" } & Place<K, ID, Namespace>)
  | {
      type: "replace" | "replaceOrInsert";
      currentItem: Place<K, ID, Namespace>;
      newItem: Target<K, Namespace>;
    };

export class DirectAggregate<T extends AnyType> extends Aggregate<T["Key"], T["Id"], NamespaceOf<T>> {
  /** Queues writes, to be applied in their order by the aggregate's worker. */
  async enqueueBatch(
    ctx: WriteCtx,
    operations: AggregateOperation<T["Key"], T["Id"], NamespaceOf<T>>[],
  ): Promise<void> {
    await this.write(ctx, operations.map(operationOf), { async: true });
  }

  /**
   * Adds an item. Ids tell items of the same key apart.
   * @throws DUPLICATE_KEY when there is one of that key and id.
   */
  async insert(
    ctx: WriteCtx,
    args: Placed<T["Key"], T["Id"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [insertOperation(args)], opts);
  }

  /**
   * Takes an item away.
   * @throws DELETE_MISSING_KEY when there is none of that key and id.
   */
  async delete(
    ctx: WriteCtx,
    args: Place<T["Key"], T["Id"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [deleteOperation("delete", args)], opts);
  }

  /**
   * Moves an item to another key, another namespace, or gives it another sum. No read sees it missing.
   * @throws DELETE_MISSING_KEY when it is not there, DUPLICATE_KEY when another one is at its target.
   */
  async replace(
    ctx: WriteCtx,
    currentItem: Place<T["Key"], T["Id"], NamespaceOf<T>>,
    newItem: Target<T["Key"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [replaceOperation("replace", currentItem, newItem)], opts);
  }

  /** Adds an item, or gives the one that is there the new sum: for filling an aggregate while it is being written to. */
  async insertIfDoesNotExist(
    ctx: WriteCtx,
    args: Placed<T["Key"], T["Id"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [putOperation(args)], opts);
  }

  /** Takes an item away, if it is there. */
  async deleteIfExists(
    ctx: WriteCtx,
    args: Place<T["Key"], T["Id"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [deleteOperation("deleteIfExists", args)], opts);
  }

  /**
   * Moves an item, or adds it at its target when it was not there.
   * @throws DUPLICATE_KEY when another one is at its target.
   */
  async replaceOrInsert(
    ctx: WriteCtx,
    currentItem: Place<T["Key"], T["Id"], NamespaceOf<T>>,
    newItem: Target<T["Key"], NamespaceOf<T>>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [replaceOperation("replaceOrInsert", currentItem, newItem)], opts);
  }
}

function operationOf<K extends Key, ID extends string, Namespace extends Value | undefined>(
  operation: AggregateOperation<K, ID, Namespace>,
): Operation {
  switch (operation.type) {
    case "insert":
      return insertOperation(operation);
    case "insertIfDoesNotExist":
      return putOperation(operation);
    case "delete":
    case "deleteIfExists":
      return deleteOperation(operation.type, operation);
    case "replace":
    case "replaceOrInsert":
      return replaceOperation(operation.type, operation.currentItem, operation.newItem);
  }
}
