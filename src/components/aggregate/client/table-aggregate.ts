/** An aggregate of a table's documents: keys, sums and namespaces are computed from them, and their ids are the ids. */
import type { DocumentByName, GenericDataModel, TableNamesInDataModel } from "convex/server";
import type { GenericId, Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import { Aggregate, type Operation } from "./aggregate.js";
import {
  deleteOperation,
  insertOperation,
  putOperation,
  replaceOperation,
  type WrittenItem,
} from "./operations.js";
import type {
  AggregateOptions,
  Bounds,
  Key,
  MutationCtx,
  ReadCtx,
  StaleOption,
  Trigger,
  WriteCtx,
  WriteOptions,
} from "./types.js";

/** The type parameters of a `TableAggregate`. */
export interface TableAggregateType<
  K extends Key,
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
  Namespace extends Value | undefined = undefined,
  Values extends string = string,
> {
  Key: K;
  DataModel: DataModel;
  TableName: TableName;
  Namespace?: Namespace;
  /** The names of the `sumValues`. */
  Values?: Values;
}

type AnyType = TableAggregateType<
  Key,
  GenericDataModel,
  TableNamesInDataModel<GenericDataModel>,
  Value | undefined
>;
type NamespaceOf<T extends AnyType> = "Namespace" extends keyof T ? T["Namespace"] : undefined;
type ValuesOf<T extends AnyType> = "Values" extends keyof T ? Extract<T["Values"], string> : never;
type DocumentOf<T extends AnyType> = DocumentByName<T["DataModel"], T["TableName"]>;
type IdOf<T extends AnyType> = GenericId<T["TableName"]>;

/** How items are made of documents. The functions must be pure: the same document, the same item. */
export type TableAggregateOptions<T extends AnyType> = AggregateOptions & {
  /** What documents are sorted by; null for all of them if only counts and random picks matter. */
  sortKey: (doc: DocumentOf<T>) => T["Key"];
  /** What is added up. */
  sumValue?: (doc: DocumentOf<T>) => number;
  /** More numbers of a document, to be asked for by name; undefined where it has none. */
  sumValues?: { readonly [Name in ValuesOf<T>]: (doc: DocumentOf<T>) => number | undefined };
} & (undefined extends NamespaceOf<T>
    ? { namespace?: (doc: DocumentOf<T>) => NamespaceOf<T> }
    : { namespace: (doc: DocumentOf<T>) => NamespaceOf<T> });

/** One write of a batch; each type takes what the method of its name takes. */
export type TableAggregateOperation<T extends AnyType> =
  | { type: "insert" | "insertIfDoesNotExist" | "delete" | "deleteIfExists"; doc: DocumentOf<T> }
  | { type: "replace" | "replaceOrInsert"; oldDoc: DocumentOf<T>; newDoc: DocumentOf<T> };

export class TableAggregate<T extends AnyType> extends Aggregate<
  T["Key"],
  IdOf<T>,
  NamespaceOf<T>,
  ValuesOf<T>
> {
  private readonly options: TableAggregateOptions<T>;

  constructor(component: ComponentApi, options: TableAggregateOptions<T>) {
    super(component, options);
    this.options = options;
  }

  /**
   * Applies writes in their order, all or none of them, in one call: neighbouring items share what is read and written.
   * @throws what the single writes throw.
   */
  async writeBatch(
    ctx: WriteCtx,
    operations: TableAggregateOperation<T>[],
    opts?: WriteOptions,
  ): Promise<void> {
    const applied = operations.map((operation) => this.operationOf(operation));
    await this.write(ctx, applied, opts);
  }

  /** Queues writes, to be applied in their order by the aggregate's worker. */
  async enqueueBatch(ctx: WriteCtx, operations: TableAggregateOperation<T>[]): Promise<void> {
    await this.writeBatch(ctx, operations, { async: true });
  }

  /**
   * Adds a document that was inserted into the table.
   * @throws DUPLICATE_KEY when it is there already.
   */
  async insert(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "insert", doc })], opts);
  }

  /**
   * Takes a document away that was deleted from the table.
   * @throws DELETE_MISSING_KEY when it is not there.
   */
  async delete(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "delete", doc })], opts);
  }

  /**
   * Follows a change of a document.
   * @throws DELETE_MISSING_KEY when the old document is not there.
   */
  async replace(
    ctx: WriteCtx,
    oldDoc: DocumentOf<T>,
    newDoc: DocumentOf<T>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "replace", oldDoc, newDoc })], opts);
  }

  /** Adds a document, or gives the one that is there its sum: for filling an aggregate while it is being written to. */
  async insertIfDoesNotExist(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "insertIfDoesNotExist", doc })], opts);
  }

  /** Takes a document away, if it is there. */
  async deleteIfExists(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "deleteIfExists", doc })], opts);
  }

  /** Follows a change of a document, whether or not the old one is there. */
  async replaceOrInsert(
    ctx: WriteCtx,
    oldDoc: DocumentOf<T>,
    newDoc: DocumentOf<T>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.write(ctx, [this.operationOf({ type: "replaceOrInsert", oldDoc, newDoc })], opts);
  }

  /** The rank of a document's key: `indexOf` with its key, in its namespace. */
  async indexOfDoc(
    ctx: ReadCtx,
    doc: DocumentOf<T>,
    opts?: {
      id?: IdOf<T> | undefined;
      bounds?: Bounds<T["Key"], IdOf<T>> | undefined;
      order?: "asc" | "desc" | undefined;
    } & StaleOption,
  ): Promise<number> {
    return this.indexOf(ctx, this.options.sortKey(doc), { namespace: this.namespaceOf(doc), ...opts });
  }

  /** What to register with `Triggers`, so that every change of the table is followed. */
  trigger<Ctx extends MutationCtx>(opts?: WriteOptions): Trigger<Ctx, T["DataModel"], T["TableName"]> {
    return async (ctx, change) => {
      if (change.operation === "insert") await this.insert(ctx, change.newDoc, opts);
      else if (change.operation === "update") await this.replace(ctx, change.oldDoc, change.newDoc, opts);
      else await this.delete(ctx, change.oldDoc, opts);
    };
  }

  /** The same, with the writes that do not mind what is there: while the aggregate is being filled. */
  idempotentTrigger<Ctx extends MutationCtx>(
    opts?: WriteOptions,
  ): Trigger<Ctx, T["DataModel"], T["TableName"]> {
    return async (ctx, change) => {
      if (change.operation === "insert") await this.insertIfDoesNotExist(ctx, change.newDoc, opts);
      else if (change.operation === "update")
        await this.replaceOrInsert(ctx, change.oldDoc, change.newDoc, opts);
      else await this.deleteIfExists(ctx, change.oldDoc, opts);
    };
  }

  private operationOf(operation: TableAggregateOperation<T>): Operation {
    switch (operation.type) {
      case "insert":
        return insertOperation(this.itemOf(operation.doc));
      case "insertIfDoesNotExist":
        return putOperation(this.itemOf(operation.doc));
      case "delete":
      case "deleteIfExists":
        return deleteOperation(operation.type, this.itemOf(operation.doc));
      case "replace":
      case "replaceOrInsert":
        return replaceOperation(operation.type, this.itemOf(operation.oldDoc), this.itemOf(operation.newDoc));
    }
  }

  private itemOf(doc: DocumentOf<T>): WrittenItem {
    return {
      key: this.options.sortKey(doc),
      id: doc["_id"] as IdOf<T>,
      namespace: this.namespaceOf(doc),
      sumValue: this.options.sumValue?.(doc),
      sumValues: this.valuesOf(doc),
    };
  }

  private valuesOf(doc: DocumentOf<T>): Record<string, number | undefined> | undefined {
    const functions: Record<string, (doc: DocumentOf<T>) => number | undefined> | undefined =
      this.options.sumValues;
    if (functions === undefined) return undefined;
    return Object.fromEntries(Object.entries(functions).map(([name, valueOf]) => [name, valueOf(doc)]));
  }

  private namespaceOf(doc: DocumentOf<T>): NamespaceOf<T> {
    return this.options.namespace?.(doc);
  }
}
