/**
 * What Trueup's own `ctx.db` offers beyond that of Convex: cells, which keep a value decoded across transactions, the number of
 * a table's documents, and what a long job in the background has to know. Convex Cloud and convex-test have none of it.
 */
import type {
  AnyDataModel,
  DocumentByName,
  GenericDatabaseReader,
  GenericDataModel,
  TableNamesInDataModel,
} from "convex/server";
import type { GenericId } from "convex/values";

/** Trueup's `ctx.db` carries a `NativeStore` under this symbol. */
export const nativeStore: unique symbol = Symbol.for("trueup.nativeStore");

/** How a cell's value is stored. Pure; `decode` gives back what `encode` was given. */
export interface CellCodec<T> {
  encode(value: T): string;
  decode(text: string): T;
}

/** One component's cells of one kind, as a transaction reads them. */
export interface CellReader<T> {
  /** The value, which must not be changed; undefined when there is none. O(1) storage reads, none when it is cached. */
  get(name: string): T | undefined | Promise<T | undefined>;
  /** The names that start with a prefix, in order, up to `take` of them. They are not in the read set. */
  names(prefix: string, take: number): Promise<string[]>;
}

/** One component's cells of one kind, as a mutation reads and writes them. */
export interface CellWriter<T> extends CellReader<T> {
  /** Sets the value, or removes the cell when it is undefined. Undone with the sub-transaction that it is part of. */
  set(name: string, value: T | undefined): void;
  /** The same for a value that nobody is about to read: it does not push others out of the cache. */
  store(name: string, value: T): void;
}

/** What a `ctx.db` offers natively. An answer is a promise only where the storage has to be waited for. */
export interface NativeStore<DataModel extends GenericDataModel = AnyDataModel> {
  /**
   * Whether a transaction is refused, and runs again, when another one has changed what it read: several processes write to the
   * storage. False where transactions take turns.
   */
  readonly hasConflicts: boolean;
  /** The cells of a query have no `set`. */
  cells<T>(codec: CellCodec<T>): CellWriter<T>;
  /** The number of a table's documents. O(1). */
  count(tableName: string): number | Promise<number>;
  get<Name extends TableNamesInDataModel<DataModel>>(
    tableName: Name,
    id: GenericId<Name>,
  ): DocumentByName<DataModel, Name> | null | Promise<DocumentByName<DataModel, Name> | null>;
  /**
   * In mutations: the database as it was when the transaction began. What is read there is not in the read set, so no commit of
   * others refuses the transaction for it. Null where documents are not read as they are stored.
   */
  before?(): GenericDatabaseReader<GenericDataModel> | null;
  /**
   * In mutations: lets whatever is due in this process go on, and resolves with true when others share the database: another
   * transaction waits for this one to end, or one has waited for its turn lately.
   */
  breathe?(): Promise<boolean>;
  /** In mutations: the milliseconds that this process has had of the processor. */
  processorMs?(): number;
  /**
   * In mutations: about how many of these others will have to wait while what the transaction has written up to now is
   * committed, judging by the commits before.
   */
  commitMs?(): number;
  /** In mutations: whether the transaction has written this document. */
  isWritten?(tableName: string, id: string): boolean;
}

/** What a `ctx.db` offers natively; null on every other backend. */
export function nativeStoreOf<DataModel extends GenericDataModel = AnyDataModel>(
  db: object,
): NativeStore<DataModel> | null {
  const found: unknown = Reflect.get(db, nativeStore);
  return isNativeStore<DataModel>(found) ? found : null;
}

function isNativeStore<DataModel extends GenericDataModel>(value: unknown): value is NativeStore<DataModel> {
  return typeof value === "object" && value !== null && "cells" in value;
}
