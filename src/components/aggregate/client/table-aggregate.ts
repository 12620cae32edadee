/**
 * An aggregate of a table's documents: keys, sums and namespaces are computed from them, and their ids are the ids. With its
 * table named it is managed (`managed/managed.ts`): built from what the table holds, kept in step, and read only as it was
 * defined here.
 */
import type {
  DocumentByName,
  FunctionArgs,
  GenericDataModel,
  GenericDocument,
  GenericMutationCtx,
  TableNamesInDataModel,
} from "convex/server";
import { ConvexError, type GenericId, type Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import type { ReadReference } from "./aggregate-reader.js";
import type { Answer } from "./call.js";
import { Aggregate, type Operation } from "./aggregate.js";
import {
  advanceReference,
  cloudOperations,
  type AdvanceReference,
  type ManagedOperations,
  type OperationsModule,
} from "./managed/cloud-operations.js";
import { checkedItem, namingDocument, TableSource } from "./managed/table-source.js";
import { TableVerification } from "./verification/index.js";
import { manage, type Managed, type ManagedOptions } from "./managed/managed.js";
import { managedAggregate, type AggregateStatus, type ManagedAggregate } from "../../../seams/index.js";
import { type DocumentImages, type StatusCtx, type StoredDocument } from "./managed/types.js";
import { whenReady } from "./managed/waiting.js";
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
  NamespacedOpts,
  ReadCtx,
  StaleOption,
  TreeOptions,
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
export type TableAggregateOptions<T extends AnyType> = AggregateOptions &
  ManagedOptions<T["TableName"]> & {
    /** What documents are sorted by; null for all of them if only counts and random picks matter. */
    sortKey: (doc: DocumentOf<T>) => T["Key"];
    /** What is added up. */
    sumValue?: (doc: DocumentOf<T>) => number;
    /** More numbers of a document, to be asked for by name; undefined where it has none. */
    sumValues?: { readonly [Name in ValuesOf<T>]: (doc: DocumentOf<T>) => number | undefined };
  } & (undefined extends NamespaceOf<T>
    ? {
        /** The namespace in which a document is counted. */
        namespace?: (doc: DocumentOf<T>) => NamespaceOf<T>;
      }
    : {
        /** The namespace in which a document is counted. */
        namespace: (doc: DocumentOf<T>) => NamespaceOf<T>;
      });

/** One write of a batch; each type takes what the method of its name takes. */
export type TableAggregateOperation<T extends AnyType> =
  | { type: "insert" | "insertIfDoesNotExist" | "delete" | "deleteIfExists"; doc: DocumentOf<T> }
  | { type: "replace" | "replaceOrInsert"; oldDoc: DocumentOf<T>; newDoc: DocumentOf<T> };

/**
 * An aggregate of the documents of a table; with `table` it is managed, and follows every write by itself. Every write is
 * O(log n), and throws AGGREGATE_WRITE_IN_QUERY in a query,
 * AGGREGATE_DOCUMENT_FAILED when a function of the options fails on the document, PENDING_OPERATIONS while others are queued,
 * unless it is queued too, and ITEM_TOO_LARGE for an item of more than 96 KiB. DUPLICATE_KEY and DELETE_MISSING_KEY are thrown
 * only where no table is named: a managed aggregate follows whatever was there.
 */
export class TableAggregate<T extends AnyType> extends Aggregate<
  T["Key"],
  IdOf<T>,
  NamespaceOf<T>,
  ValuesOf<T>
> {
  readonly #options: TableAggregateOptions<T>;
  readonly #managed: Managed | undefined;
  #advanceFunction: AdvanceReference | undefined;

  /** What the functions make of a document. They are called as methods of the options, of which they may be. */
  readonly #makeItem = (doc: DocumentOf<T>): WrittenItem => {
    const options = this.#options;
    return {
      key: options.sortKey(doc),
      id: doc["_id"] as IdOf<T>,
      namespace: options.namespace?.(doc),
      sumValue: options.sumValue?.(doc),
      sumValues: options.sumValues && valuesOf(options.sumValues, doc),
    };
  };

  constructor(component: ComponentApi, options: TableAggregateOptions<T>) {
    super(component, options);
    this.#options = options;
    this.#managed = manage(component, options, this.#makeItem);
    this.definition = this.#managed?.definition;
  }

  /** How the engine finds what keeps the aggregate in step; undefined when it names no table. */
  get [managedAggregate](): ManagedAggregate | undefined {
    return this.#managed;
  }

  /**
   * Makes the functions that drive the aggregate where no engine does. Export them from a module, and say which one: its path,
   * "aggregates". From then on a write that begins a build also schedules what carries it on.
   * @throws AGGREGATE_UNMANAGED when no table is named.
   */
  operations(module: OperationsModule): ManagedOperations {
    this.#advanceFunction = advanceReference(module);
    return cloudOperations(this.#demandManaged(), this.#advanceFunction);
  }

  /** Makes checks that verify the aggregate against a table. A managed aggregate is also verified by `operations`. */
  verification(table: T["TableName"]): TableVerification {
    const source = new TableSource(this.component, table, "", this.#makeItem);
    return new TableVerification(source, this.definition);
  }

  /**
   * Tells how the aggregate stands: its state, how far a build is, what it holds, when it was last verified.
   * O(namespaces + log n).
   * @throws AGGREGATE_UNMANAGED when no table is named.
   */
  async status(ctx: StatusCtx): Promise<AggregateStatus> {
    return this.#demandManaged().status(ctx);
  }

  /**
   * Empties a namespace. A managed aggregate is built anew as a whole instead, beside what answers meanwhile, and set up as
   * the options say.
   */
  override async clear(ctx: WriteCtx, ...opts: NamespacedOpts<TreeOptions, NamespaceOf<T>>): Promise<void> {
    if (this.#managed === undefined) await super.clear(ctx, ...opts);
    else await this.#rebuild(ctx, this.#managed, opts[0]);
  }

  /** Empties every namespace; rebuilds a managed aggregate as `clear` does. */
  override async clearAll(ctx: WriteCtx, opts?: TreeOptions): Promise<void> {
    if (this.#managed === undefined) await super.clearAll(ctx, opts);
    else await this.#rebuild(ctx, this.#managed, opts);
  }

  /**
   * Applies writes in their order, all or none of them, in one call: neighbouring items share what is read and written.
   * @throws DUPLICATE_KEY, DELETE_MISSING_KEY as the single writes do.
   */
  async writeBatch(
    ctx: WriteCtx,
    operations: TableAggregateOperation<T>[],
    opts?: WriteOptions,
  ): Promise<void> {
    await this.#writeAll(ctx, operations, opts);
  }

  /** Queues writes, which the aggregate's worker applies in their order. One that is refused then goes to the dead letters. */
  async enqueueBatch(ctx: WriteCtx, operations: TableAggregateOperation<T>[]): Promise<void> {
    await this.writeBatch(ctx, operations, { async: true });
  }

  /**
   * Adds a document that was inserted into the table.
   * @throws DUPLICATE_KEY when it is there already.
   */
  async insert(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.#writeAll(ctx, [{ type: "insert", doc }], opts);
  }

  /**
   * Takes a document away that was deleted from the table.
   * @throws DELETE_MISSING_KEY when it is not there.
   */
  async delete(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.#writeAll(ctx, [{ type: "delete", doc }], opts);
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
    await this.#writeAll(ctx, [{ type: "replace", oldDoc, newDoc }], opts);
  }

  /** Adds a document, or gives the one that is there its sum: for filling an aggregate while it is being written to. */
  async insertIfDoesNotExist(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.#writeAll(ctx, [{ type: "insertIfDoesNotExist", doc }], opts);
  }

  /** Takes a document away, if it is there. */
  async deleteIfExists(ctx: WriteCtx, doc: DocumentOf<T>, opts?: WriteOptions): Promise<void> {
    await this.#writeAll(ctx, [{ type: "deleteIfExists", doc }], opts);
  }

  /** Follows a change of a document, whether or not the old one is there. */
  async replaceOrInsert(
    ctx: WriteCtx,
    oldDoc: DocumentOf<T>,
    newDoc: DocumentOf<T>,
    opts?: WriteOptions,
  ): Promise<void> {
    await this.#writeAll(ctx, [{ type: "replaceOrInsert", oldDoc, newDoc }], opts);
  }

  /** Returns the rank of a document's key: `indexOf` with its key, in its namespace. O(log n). */
  async indexOfDoc(
    ctx: ReadCtx,
    doc: DocumentOf<T>,
    opts?: {
      id?: IdOf<T> | undefined;
      bounds?: Bounds<T["Key"], IdOf<T>> | undefined;
      order?: "asc" | "desc" | undefined;
    } & StaleOption,
  ): Promise<number> {
    const options = this.#options;
    return this.indexOf(ctx, options.sortKey(doc), { namespace: options.namespace?.(doc), ...opts });
  }

  /** Makes the function to register with `Triggers`, so that the aggregate follows every change of the table. */
  trigger<Ctx extends MutationCtx>(opts?: WriteOptions): Trigger<Ctx, T["DataModel"], T["TableName"]> {
    return async (ctx, change) => {
      if (change.operation === "insert") await this.insert(ctx, change.newDoc, opts);
      else if (change.operation === "update") await this.replace(ctx, change.oldDoc, change.newDoc, opts);
      else await this.delete(ctx, change.oldDoc, opts);
    };
  }

  /** The same for the time while the aggregate is being filled: its writes are not refused for what is there already. */
  idempotentTrigger<Ctx extends MutationCtx>(
    opts?: WriteOptions,
  ): Trigger<Ctx, T["DataModel"], T["TableName"]> {
    return async (ctx, change) => {
      if (change.operation === "insert") await this.insertIfDoesNotExist(ctx, change.newDoc, opts);
      else if (change.operation === "update") {
        await this.replaceOrInsert(ctx, change.oldDoc, change.newDoc, opts);
      } else await this.deleteIfExists(ctx, change.oldDoc, opts);
    };
  }

  protected override ask<Query extends ReadReference>(
    ctx: ReadCtx,
    query: Query,
    args: FunctionArgs<Query>,
    options: StaleOption | undefined,
  ): Answer<Query> {
    const answer = super.ask(ctx, query, args, options);
    const managed = this.#managed;
    // What is answered in the same turn is ready.
    if (managed === undefined || !(answer instanceof Promise)) return answer;
    const whileBuilding = options?.whileBuilding ?? this.#options.whileBuilding ?? "throw";
    return whenReady(managed, ctx, whileBuilding, answer, () => super.ask(ctx, query, args, options));
  }

  async #writeAll(
    ctx: WriteCtx,
    operations: readonly TableAggregateOperation<T>[],
    options: WriteOptions | undefined,
  ): Promise<void> {
    const managed = this.#managed;
    const advanceFunction = this.#advanceFunction;
    if (managed === undefined) {
      const written = operations.map((operation) => this.#operationOf(operation));
      try {
        await this.write(ctx, written, options);
      } catch (error) {
        throw namingDocument(error);
      }
      return;
    }
    const isDue = await managed.apply(ctx, operations.map(imagesOf), {
      begins: true,
      ...(options?.async === true && { queued: true }),
    });
    if (isDue && advanceFunction !== undefined) await schedule(ctx, advanceFunction);
  }

  async #rebuild(ctx: WriteCtx, managed: Managed, opts: TreeOptions | undefined): Promise<void> {
    await managed.rebuild(ctx, opts);
    if (this.#advanceFunction !== undefined) await schedule(ctx, this.#advanceFunction);
  }

  #demandManaged(): Managed {
    if (this.#managed !== undefined) return this.#managed;
    const message = "The aggregate names no table, so nothing but its own writes keeps it in step.";
    throw new ConvexError({ code: "AGGREGATE_UNMANAGED", message });
  }

  #operationOf(operation: TableAggregateOperation<T>): Operation {
    switch (operation.type) {
      case "insert":
        return insertOperation(this.#itemOf(operation.doc));
      case "insertIfDoesNotExist":
        return putOperation(this.#itemOf(operation.doc));
      case "delete":
      case "deleteIfExists":
        return deleteOperation(operation.type, this.#itemOf(operation.doc));
      case "replace":
      case "replaceOrInsert":
        return replaceOperation(
          operation.type,
          this.#itemOf(operation.oldDoc),
          this.#itemOf(operation.newDoc),
        );
    }
  }

  /** @throws AGGREGATE_DOCUMENT_FAILED */
  #itemOf(doc: DocumentOf<T>): WrittenItem {
    return checkedItem(stored(doc), this.#makeItem);
  }
}

function valuesOf<Doc>(
  functions: Readonly<Record<string, (doc: Doc) => number | undefined>>,
  doc: Doc,
): Record<string, number | undefined> {
  return Object.fromEntries(Object.entries(functions).map(([name, valueOf]) => [name, valueOf(doc)]));
}

/** The document before and after a write. */
function imagesOf<T extends AnyType>(operation: TableAggregateOperation<T>): DocumentImages {
  switch (operation.type) {
    case "insert":
    case "insertIfDoesNotExist":
      return { oldDoc: null, newDoc: stored(operation.doc) };
    case "delete":
    case "deleteIfExists":
      return { oldDoc: stored(operation.doc), newDoc: null };
    case "replace":
    case "replaceOrInsert":
      return { oldDoc: stored(operation.oldDoc), newDoc: stored(operation.newDoc) };
  }
}

function stored(document: GenericDocument): StoredDocument {
  return document as StoredDocument;
}

/** Schedules what carries on a build that has begun. */
async function schedule(ctx: object, advance: AdvanceReference): Promise<void> {
  const { scheduler } = ctx as Partial<Pick<GenericMutationCtx<GenericDataModel>, "scheduler">>;
  await scheduler?.runAfter(0, advance, {});
}
