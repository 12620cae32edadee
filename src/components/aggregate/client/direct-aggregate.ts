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
  Values extends string = string,
> {
  Key: K;
  Id: ID;
  Namespace?: Namespace;
  /** The names of the items' `sumValues`. */
  Values?: Values;
}

type AnyType = DirectAggregateType<Key, string, Value | undefined>;
type NamespaceOf<T extends AnyType> = "Namespace" extends keyof T ? T["Namespace"] : undefined;
type ValuesOf<T extends AnyType> = "Values" extends keyof T ? Extract<T["Values"], string> : never;

/** The numbers of an item. */
interface Numbers<Values extends string> {
  /** What `sum` adds up; without it the item adds nothing. */
  sumValue?: number | undefined;
  /** More numbers, to be asked for by name. */
  sumValues?: { readonly [Name in Values]?: number | undefined } | undefined;
}

type Place<T extends AnyType> = NamespacedArgs<{ key: T["Key"]; id: T["Id"] }, NamespaceOf<T>>;
type Placed<T extends AnyType> = NamespacedArgs<
  { key: T["Key"]; id: T["Id"] } & Numbers<ValuesOf<T>>,
  NamespaceOf<T>
>;
type Target<T extends AnyType> = NamespacedArgs<{ key: T["Key"] } & Numbers<ValuesOf<T>>, NamespaceOf<T>>;

/** One write of a batch; each type takes what the method of its name takes. */
type OperationOf<T extends AnyType> =
  | ({ type: "insert" | "insertIfDoesNotExist" } & Placed<T>)
  | ({ type: "delete" | "deleteIfExists" } & Place<T>)
  | { type: "replace" | "replaceOrInsert"; currentItem: Place<T>; newItem: Target<T> };

/** One write of a batch of a `DirectAggregate`. */
export type AggregateOperation<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined = undefined,
> = OperationOf<DirectAggregateType<K, ID, Namespace>>;

/**
 * An aggregate of items that the caller writes, each with a key, an id and numbers of the caller's choice. Every write is
 * O(log n), and throws AGGREGATE_WRITE_IN_QUERY in a query, PENDING_OPERATIONS while others are queued, unless it is queued
 * too, and ITEM_TOO_LARGE for an item of more than 96 KiB.
 */
export class DirectAggregate<T extends AnyType> extends Aggregate<
  T["Key"],
  T["Id"],
  NamespaceOf<T>,
  ValuesOf<T>
> {
  /**
   * Applies writes in their order, all or none of them, in one call: neighbouring items share what is read and written.
   * @throws DUPLICATE_KEY, DELETE_MISSING_KEY as the single writes do.
   */
  async writeBatch(ctx: WriteCtx, operations: OperationOf<T>[], opts?: WriteOptions): Promise<void> {
    await this.write(ctx, operations.map(operationOf), opts);
  }

  /** Queues writes, which the aggregate's worker applies in their order. One that is refused then goes to the dead letters. */
  async enqueueBatch(ctx: WriteCtx, operations: OperationOf<T>[]): Promise<void> {
    await this.writeBatch(ctx, operations, { async: true });
  }

  /**
   * Adds an item. Items of the same key are told apart by their ids.
   * @throws DUPLICATE_KEY when there is one of that key and id.
   */
  async insert(ctx: WriteCtx, args: Placed<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [insertOperation(args)], opts);
  }

  /**
   * Takes an item away.
   * @throws DELETE_MISSING_KEY when there is none of that key and id.
   */
  async delete(ctx: WriteCtx, args: Place<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [deleteOperation("delete", args)], opts);
  }

  /**
   * Moves an item to another key or another namespace, or gives it other numbers. No read sees it missing.
   * @throws DELETE_MISSING_KEY when it is not there, DUPLICATE_KEY when another one is at its target.
   */
  async replace(
    ctx: WriteCtx,
    currentItem: Place<T>,
    newItem: Target<T>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [replaceOperation("replace", currentItem, newItem)], opts);
  }

  /** Adds an item, or gives the one that is there the new numbers: for filling an aggregate while it is being written to. */
  async insertIfDoesNotExist(ctx: WriteCtx, args: Placed<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [putOperation(args)], opts);
  }

  /** Takes an item away, if it is there. */
  async deleteIfExists(ctx: WriteCtx, args: Place<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [deleteOperation("deleteIfExists", args)], opts);
  }

  /**
   * Moves an item, or adds it at its target when it was not there.
   * @throws DUPLICATE_KEY when another one is at its target.
   */
  async replaceOrInsert(
    ctx: WriteCtx,
    currentItem: Place<T>,
    newItem: Target<T>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [replaceOperation("replaceOrInsert", currentItem, newItem)], opts);
  }
}

function operationOf<T extends AnyType>(operation: OperationOf<T>): Operation {
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
