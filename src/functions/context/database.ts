/**
 * Makes `ctx.db`: an object of closures, since apps spread, bind and destructure it, and of no more closures than it needs,
 * since every call of a function makes its own. Beyond Convex's interface it has what `seams` declares: it tells
 * `trueup/triggers` which instances the database runs by itself, so that wrapping it runs no trigger twice, and it has a
 * native store for `trueup/aggregate` and `trueup/migrations`.
 */
import { setImmediate } from "node:timers/promises";
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { jsonToConvex, type CommitTsPlaceholder } from "convex/values";
import { processorMs, type Document } from "../../database/index.js";
import {
  nativeStore,
  nativeTriggers,
  type CellCodec,
  type CellReader,
  type NativeStore,
} from "../../seams/index.js";
import type { Execution } from "../execution/execution.js";
import { ReadAccess, WriteAccess } from "./database-access.js";
import type { TableQuery } from "./query-builder.js";
import { SystemAccess } from "./system-access.js";

const commitTs = jsonToConvex({ $commitTs: null }) as CommitTsPlaceholder;

type Fields = Readonly<Record<string, unknown>>;

/** `ctx.db.table(name)` of a query. */
export interface TableHandle {
  get(id: string): Promise<Document | null>;
  query(): TableQuery;
}

/** `ctx.db.table(name)` of a mutation. */
export interface WritableTable extends TableHandle {
  insert(value: Fields): Promise<string>;
  patch(id: string, fields: Fields): Promise<void>;
  replace(id: string, value: Fields): Promise<void>;
  delete(id: string): Promise<void>;
}

/** `ctx.db` of a query. */
export interface ReadDatabase {
  /** `get(id)` or `get(table, id)`. */
  get(tableOrId: string, id?: string): Promise<Document | null>;
  query(tableName: string): TableQuery;
  normalizeId(tableName: string, id: string): string | null;
  table(tableName: string): TableHandle;
  readonly system: SystemDatabase;
}

/** `ctx.db` of a mutation. Writes name the document by id, or by table and id. */
export interface WriteDatabase extends ReadDatabase {
  insert(table: string, value: Fields): Promise<string>;
  patch(tableOrId: string, idOrFields: string | Fields, fields?: Fields): Promise<void>;
  replace(tableOrId: string, idOrValue: string | Fields, value?: Fields): Promise<void>;
  delete(tableOrId: string, id?: string): Promise<void>;
  table(tableName: string): WritableTable;
  readonly vars: CommitVariables;
}

/** `ctx.db.system`. */
class SystemDatabase {
  readonly #execution: Execution;
  #access: SystemAccess | null = null;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  get(tableOrId: string, id?: string): Promise<Document | null> {
    return this.#reading.get(tableOrId, id);
  }
  query(tableName: string): TableQuery {
    return this.#reading.query(tableName);
  }
  normalizeId(tableName: string, id: string): string | null {
    return this.#reading.normalizeId(tableName, id);
  }
  table(tableName: string): TableHandle {
    return tableHandle(this.#reading, tableName);
  }

  get #reading(): SystemAccess {
    this.#access ??= new SystemAccess(this.#execution);
    return this.#access;
  }
}

/** `ctx.db.vars`. */
class CommitVariables {
  readonly #execution: Execution;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** Stands for the timestamp of the commit to come; in a stored document it becomes an int64. */
  get commitTs(): CommitTsPlaceholder {
    this.#execution.transaction.usesCommitTs = true;
    return commitTs;
  }
}

/** What the `ctx.db` of a query offers natively: its cells can only be read. */
export type QueryStore = Omit<NativeStore, "cells"> & { cells<T>(codec: CellCodec<T>): CellReader<T> };

/** What a query function's `ctx.db` offers natively. */
export function readStore(execution: Execution, access: ReadAccess = new ReadAccess(execution)): QueryStore {
  return {
    hasConflicts: hasConflicts(execution),
    count: (tableName) => access.size(tableName),
    get: (tableName, id) => access.document(tableName, id),
    cells: (codec) => access.reader.cells(codec),
  };
}

/** What a mutation function's `ctx.db` offers natively. */
export function writeStore(
  execution: Execution,
  access: WriteAccess = new WriteAccess(execution),
): NativeStore {
  const tables = () => execution.mutation.component(execution.component.path);
  return {
    hasConflicts: hasConflicts(execution),
    count: (tableName) => access.size(tableName),
    get: (tableName, id) => access.document(tableName, id),
    cells: (codec) => tables().cells(codec),
    before: () => databaseBefore(execution),
    breathe: () => breathe(execution),
    processorMs,
    commitMs: () => execution.engine.database.turns.commitMs(execution.mutation.changes),
    isWritten: (tableName, id) => tables().isWritten(id, tableName),
  };
}

function hasConflicts({ engine }: Execution): boolean {
  const { serialTransactions, shared } = engine.database.storage.capabilities;
  return !serialTransactions || shared;
}

/** `ctx.db` of a query function. */
export function readDatabase(execution: Execution): ReadDatabase {
  const access = new ReadAccess(execution);
  const database: ReadDatabase & { [nativeStore]: QueryStore } = {
    get: (a, b) => access.get(a, b),
    query: (tableName) => access.query(tableName),
    normalizeId: (tableName, id) => access.normalizeId(tableName, id),
    table: (tableName) => tableHandle(access, tableName),
    system: new SystemDatabase(execution),
    [nativeStore]: readStore(execution, access),
  };
  return database;
}

/** `ctx.db` of a mutation function. */
export function writeDatabase(execution: Execution): WriteDatabase {
  const access = new WriteAccess(execution);
  const database: WriteDatabase & {
    [nativeTriggers]: (triggers: object) => boolean;
    [nativeStore]: NativeStore;
  } = {
    get: (a, b) => access.get(a, b),
    query: (tableName) => access.query(tableName),
    normalizeId: (tableName, id) => access.normalizeId(tableName, id),
    insert: (table, value) => access.insert(table, value),
    patch: (a, b, c) => access.change("patch", a, b, c),
    replace: (a, b, c) => access.change("replace", a, b, c),
    delete: (a, b) => access.delete(a, b),
    table: (tableName) => writableTable(access, tableName),
    system: new SystemDatabase(execution),
    vars: new CommitVariables(execution),
    [nativeTriggers]: (triggers) => execution.component.triggers.has(triggers),
    [nativeStore]: writeStore(execution, access),
  };
  return database;
}

function databaseBefore({ before }: Execution): ReturnType<NonNullable<NativeStore["before"]>> {
  return before === null
    ? null
    : (readDatabase(before) as unknown as GenericDatabaseReader<GenericDataModel>);
}

/**
 * For long jobs in the background: lets whatever is due in this process go on, and tells whether transactions wait for their
 * turns, now or lately.
 */
async function breathe({ engine }: Execution): Promise<boolean> {
  await setImmediate();
  return engine.database.turns.areShared;
}

function tableHandle(access: ReadAccess, tableName: string): TableHandle {
  return {
    get: (id) => access.get(tableName, id),
    query: () => access.query(tableName),
  };
}

function writableTable(access: WriteAccess, tableName: string): WritableTable {
  return {
    ...tableHandle(access, tableName),
    insert: (value) => access.insert(tableName, value),
    patch: (id, fields) => access.change("patch", tableName, id, fields),
    replace: (id, value) => access.change("replace", tableName, id, value),
    delete: (id) => access.delete(tableName, id),
  };
}
