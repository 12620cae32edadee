/** What a transaction offers to the rooms above. Each interface says what it throws; see docs/errors.md. */
import type { IndexJson, SchemaJson } from "../../schema/index.js";
import type { MaybePromise, Version } from "../../storage/storage.js";
import type { CellCodec, CellReader, CellWriter } from "../../seams/index.js";
import type { CodeNames, Followers } from "../catalog/catalog.js";
import type { Document, Fields } from "../documents/document.js";
import type { DocumentStream, Page, PageOptions, Query } from "../query/query.js";
import type { SchemaChange } from "../tables/apply-schema.js";
import type { IndexBuild } from "../background/index-builds.js";
import type {
  ApplySchemaOptions,
  PrepareOptions,
  SchemaState,
  TransformDefinition,
  TransformStatus,
} from "../transforms/types.js";
import type { TransactionLimits, TransactionUsage } from "./limits.js";
import type { ReadSet } from "./read-set.js";
import type { TableCounts } from "../catalog/records.js";

/**
 * The tables of one component, to be read. Reads throw TRANSACTION_LIMIT beyond the transaction's limits,
 * TRANSACTION_OVER after its end, and SYSTEM_TABLE for tables beginning with an underscore, unless they
 * come through `system()`. Documents are in their table's current shape, whatever they are stored in; where that
 * cannot be, TRANSFORM_MISSING or TRANSFORM_FAILED.
 */
export interface DatabaseReader {
  /**
   * The document, or null when there is none or the id belongs to no table of the component. O(1) storage
   * reads, none when it is cached.
   * @param table The table it must belong to.
   * @throws INVALID_ID, WRONG_TABLE
   */
  get(id: string, table?: string): Promise<Document | null>;
  /** The same, at once when the storage answers at once; throws at once, too. */
  find(id: string, table?: string): MaybePromise<Document | null>;
  /** The id itself when it belongs to the table, else null. Never throws for a malformed id. */
  normalizeId(table: string, id: string): string | null;
  /** @throws INDEX_NOT_FOUND, INDEX_NOT_READY, INVALID_INDEX_RANGE, TABLE_NOT_FOUND; `next` INVALID_FILTER */
  stream(query: Query): DocumentStream;
  /** Also throws INVALID_CURSOR and INVALID_PAGE_OPTIONS. */
  page(query: Query, options: PageOptions): Promise<Page>;
  /**
   * Documents in the order of their creation, for the engine's passes over a whole table: without the transaction's own writes,
   * uncounted, and neither copied nor kept in the cache or in the read set. O(limit).
   * @param behind The place of a document; null for the beginning.
   */
  pass(table: string, behind: string | null, limit: number): MaybePromise<TablePart>;
  /** The number of documents in the table, kept with every commit. O(1). */
  count(table: string): Promise<number>;
  /** The same, at once when the storage answers at once; throws at once, too. */
  size(table: string): MaybePromise<number>;
  /** The same with the size of all documents. O(1). */
  counts(table: string): Promise<TableCounts>;
  /** What the component keeps beside its tables. */
  cells<T>(codec: CellCodec<T>): CellReader<T>;
  /** Names of the component's tables, sorted; system tables only through `system()`. */
  tables(): string[];
  /** The name of the table that an id belongs to, system tables too; null when there is none. */
  tableOfId(id: string): string | null;
}

/** A part of a table. There are no more documents behind it when it has fewer than were asked for. */
export interface TablePart {
  readonly documents: readonly Document[];
  /** The places of the documents. */
  readonly places: readonly string[];
}

/** What an import may set, which the database sets otherwise. */
export interface InsertOptions {
  /** The id of the new document: one of the table's, and not taken. */
  readonly id?: string;
  readonly creationTime?: number;
}

/** What whoever changes an existing document may say about the change. */
export interface ChangeOptions {
  /**
   * The function that writes. One of the migrations that a pending schema awaits may leave a document which does not fit the
   * schema one that does not, where migrations of its table come later. One that fits stays one that fits.
   */
  readonly writtenBy?: string;
}

/**
 * The tables of one component, to be written. Writes throw SCHEMA_VIOLATION and TABLE_NOT_IN_SCHEMA where a
 * schema says so, INVALID_VALUE, INVALID_FIELD_NAME and DOCUMENT_TOO_LARGE for what is no document, and
 * whatever a change hook throws; a write that throws has written nothing. Writes to one transaction
 * must not overlap.
 */
export interface DatabaseWriter extends DatabaseReader {
  /** The new document's id. The table comes into being with its first document. @throws INVALID_TABLE_NAME */
  insert(table: string, value: Fields, options?: InsertOptions): Promise<string>;
  cells<T>(codec: CellCodec<T>): CellWriter<T>;
  /** Sets some fields; undefined deletes one. @throws DOCUMENT_NOT_FOUND, INVALID_ID, WRONG_TABLE */
  patch(id: string, fields: Fields, table?: string, options?: ChangeOptions): Promise<void>;
  /** Sets all fields but the system's. @throws DOCUMENT_NOT_FOUND, INVALID_ID, WRONG_TABLE */
  replace(id: string, value: Fields, table?: string, options?: ChangeOptions): Promise<void>;
  /** @throws DOCUMENT_NOT_FOUND, INVALID_ID, WRONG_TABLE */
  delete(id: string, table?: string): Promise<void>;
  /**
   * Whether this transaction has inserted, changed or deleted the document: if not, it is as it was read. O(1), reads
   * nothing. @throws INVALID_ID, WRONG_TABLE
   */
  isWritten(id: string, table?: string): boolean;
}

export interface QueryTransaction {
  /** The commit that it sees, and nothing later. */
  readonly version: Version;
  /** Milliseconds since 1970. */
  readonly beganAtMs: number;
  /** The data of a component: "" is the app, "a/b" a nested one. */
  component(path: string): DatabaseReader;
  /** The same with the system's tables. */
  system(path: string): DatabaseReader;
  readonly usage: TransactionUsage;
  /** What is in force now, as totals of the whole transaction. */
  readonly limits: TransactionLimits;
  readonly readSet: ReadSet;
  /** Rises with everything that the transaction writes, or undoes; always 0 in a query. */
  readonly changes: number;
  /** Rises with everything after which a component's documents or cells may read differently than before. O(1). */
  changesOf(componentPath: string): number;
  /** The name of the program that runs as of the commit which it sees; null before the first was put in place. O(1). */
  readonly program: string | null;
  /** What follows every write for a program to come, this transaction's own change of it included. O(1). */
  readonly followers: Followers | null;
  /** The indexes of all components that are being built, with how far each has come. O(indexes). */
  indexBuilds(): Promise<IndexBuild[]>;
  /** The transforms of all components that documents may still need, and those prepared. O(tables + transforms). */
  transforms(): Promise<TransformStatus[]>;
  schemaState(path: string): SchemaState;
  /** The number of a table's shape, which every transform raises; 0 before the first. */
  tableShape(path: string, tableName: string): number;
  /**
   * The tables of a component as they will be once their prepared transforms are in force. Indexes prepared
   * through them serve when they are built.
   */
  prepared(path: string): DatabaseReader;
  /** Runs under lower limits, counted from here. */
  limited<T>(run: () => Promise<T>, limits?: Partial<TransactionLimits>): Promise<T>;
  /** Runs the engine's own work: nothing of it counts against the limits of the function that set it off. */
  uncounted<T>(run: () => Promise<T>): Promise<T>;
}

/** A write, with the document before and after it. */
export interface Change {
  readonly operation: "insert" | "update" | "delete";
  readonly componentPath: string;
  readonly tableName: string;
  readonly id: string;
  readonly oldDoc: Document | null;
  readonly newDoc: Document | null;
  /** Both as they will be once the table's prepared transforms are in force. @throws TRANSFORM_FAILED, TRANSFORM_MISSING */
  readonly prepared: () => DocumentImages;
}

/** A document before and after a write; null where there is none. */
export interface DocumentImages {
  readonly oldDoc: Document | null;
  readonly newDoc: Document | null;
}

/**
 * Runs right after a write, inside the write's own sub-transaction: when it throws, the write is undone and
 * the error goes to the writer.
 */
export type ChangeHook = (tx: MutationTransaction, change: Change) => Promise<void>;

/**
 * The hooks of a table, for a transaction that writes; the same list as long as they are the same.
 * @throws PROGRAM_NOT_LOADED, and nothing is written then
 */
export type HookResolver = (
  componentPath: string,
  tableName: string,
  tx: Pick<MutationTransaction, "program" | "followers">,
) => readonly ChangeHook[];

/**
 * Loads what is named and not loaded yet, and resolves when that is done or cannot be; at once when all of it is there. It
 * reads in the transaction that waits for it. Rejects when the storage fails.
 */
export type CodeLoader = (code: CodeNames, read: () => QueryTransaction) => MaybePromise<void>;

export interface MutationTransaction extends QueryTransaction {
  component(path: string): DatabaseWriter;
  system(path: string): DatabaseWriter;
  /**
   * A sub-transaction: when `run` throws, its writes are undone, and only those. Its limits, where given,
   * are counted from here. Sub-transactions of one transaction must not overlap.
   */
  nested<T>(run: () => Promise<T>, limits?: Partial<TransactionLimits>): Promise<T>;
  /** As of the beginning of the transaction, without its own writes, and not in the read set. */
  staleReader(path: string): DatabaseReader;
  /** Called once the transaction is committed, unless the sub-transaction that registered it is undone. */
  afterCommit(callback: () => void): void;
  /**
   * Called once the transactions that begin from here on see what this one wrote, unless the sub-transaction that registered it
   * is undone. That may be before the commit is durable, and it may still fail: then a transaction that has read what is gone
   * fails with it. So only a transaction may build on it, nothing that anybody outside sees.
   */
  afterHandOver(callback: () => void): void;
  /** An entry of the leases of background work, as the transaction found it: it has to be true when it commits. */
  leaseEntry(key: string): MaybePromise<string | undefined>;
  /** Counts a function that is being scheduled. @throws TRANSACTION_LIMIT */
  countScheduled(argsBytes: number): void;
  /**
   * Makes the schema of a component the one that is enforced, creates its tables and indexes and drops indexes
   * that it does not have. It does not look at existing documents: without `pending` the caller says that they
   * fit. What was prepared and is not taken over is dropped.
   */
  applySchema(path: string, schema: SchemaJson | null, options?: ApplySchemaOptions): Promise<SchemaChange>;
  /**
   * Names the program that runs as of this transaction's commit. The transaction itself still runs the one before. Nothing
   * follows for a program to come any more.
   */
  nameProgram(name: string): void;
  /** Names what follows every write from here on, for a program to come; null for nothing. */
  nameFollowers(followers: Followers | null): void;
  /** Records that all documents fit a schema that was pending. */
  setNarrowed(path: string): void;
  /**
   * Begins to build the indexes that a schema will need, without making it the active one. They stay unusable
   * until `applySchema` takes them over, or drops them when the schema that comes has none of them. Where
   * `through` names transforms for a table, all of its indexes are built through those. One preparation of a
   * component replaces the one before it, as far as it differs.
   */
  prepareIndexes(path: string, schema: SchemaJson, options?: PrepareOptions): Promise<void>;
  /** Ends a preparation: writes no longer keep up indexes of shapes that are not going to come. */
  abandonPrepared(path: string): void;
  /**
   * From here on the table's documents are in the next shape, carried over when they are read; background work
   * writes that through. Drops the indexes of the shape before: `applySchema` takes over those that were prepared
   * through this very transform. No change hook runs. @returns the number of the new shape
   * @throws TABLE_NOT_FOUND; TRANSFORM_FAILED when a write since the preparation made a document that it fails on
   */
  beginTransform(path: string, tableName: string, definition: TransformDefinition): number;
  /**
   * All at once: tables may take each other's names. Ids, indexes and documents stay. Comes before `beginTransform` and
   * `applySchema` of the same change.
   * @param names New names by old ones.
   * @throws TABLE_NOT_FOUND, INVALID_TABLE_NAME; TABLE_EXISTS when another table of such a name holds documents
   */
  renameTables(path: string, names: ReadonlyMap<string, string>): Promise<void>;
  /** Makes sure that a table exists and has these indexes; for the system's own tables. */
  ensureTable(path: string, tableName: string, indexes: readonly IndexJson[]): Promise<void>;
  /** Deletes a component with all of its data. Its nested components are components of their own. */
  removeComponent(path: string): void;
  /** Deletes a table with all of its documents, without change hooks. */
  removeTable(path: string, tableName: string): void;
}
