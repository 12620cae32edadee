/**
 * From the schema that a component has to the one it is to have: tables created, indexes added and dropped.
 * An index is known by its name and fields, so that one built ahead is taken over when its schema comes.
 */
import type { IndexJson, SchemaJson, TableJson } from "../../schema/index.js";
import { isSystemTable, type IndexEntry, type TableEntry } from "../catalog/catalog.js";
import { changeIndexes, createTable, setSchema, type NewIndex } from "../catalog/edits.js";
import type { TransactionState } from "../transaction/transaction.js";

/** One index that a schema change adds, drops or keeps. */
export interface IndexChange {
  readonly tableName: string;
  readonly indexName: string;
  readonly fields: readonly string[];
  readonly isStaged: boolean;
  /** It may not be queried before its backfill is done. */
  readonly needsBackfill: boolean;
}

export interface SchemaChange {
  readonly tablesCreated: readonly string[];
  readonly indexesAdded: readonly IndexChange[];
  readonly indexesRemoved: readonly IndexChange[];
  readonly indexesKept: readonly IndexChange[];
}

/** Sets the schema and brings tables and indexes into line with it. O(tables + indexes). */
export async function applySchema(
  state: TransactionState,
  path: string,
  schema: SchemaJson | null,
): Promise<SchemaChange> {
  const known = state.catalog.components.get(path)?.schema ?? null;
  if (JSON.stringify(known) !== JSON.stringify(schema)) {
    state.edit(setSchema(state.catalog, path, schema));
  }
  const tablesCreated = createTables(state, path, schema);
  const added: IndexChange[] = [];
  const removed: IndexChange[] = [];
  const kept: IndexChange[] = [];
  for (const table of userTables(state, path)) {
    const wanted = wantedIndexes(schema?.tables.find(({ tableName }) => tableName === table.name));
    const remaining = [...table.indexes];
    const add: NewIndex[] = [];
    const replace: IndexEntry[] = [];
    for (const index of wanted) {
      const at = remaining.findIndex((known) => isSame(known, index));
      const known = at < 0 ? undefined : remaining.splice(at, 1)[0];
      if (known === undefined) add.push(await newIndex(state, table, index));
      else {
        if (known.isStaged !== index.isStaged) replace.push({ ...known, isStaged: index.isStaged });
        kept.push(describe(table, { ...known, isStaged: index.isStaged }));
      }
    }
    added.push(...add.map((index) => describe(table, index)));
    removed.push(...remaining.map((index) => describe(table, index)));
    if (add.length + replace.length + remaining.length > 0) {
      state.edit(changeIndexes(state.catalog, table, { add, replace, remove: remaining }));
    }
  }
  return { tablesCreated, indexesAdded: added, indexesRemoved: removed, indexesKept: kept };
}

/**
 * Begins to build the indexes that a schema will need, without making it the active one: they stay staged
 * until `applySchema` takes them over, or drops them when another schema comes.
 */
export async function prepareIndexes(
  state: TransactionState,
  path: string,
  schema: SchemaJson,
): Promise<void> {
  createTables(state, path, schema);
  for (const { tableName, ...table } of schema.tables) {
    await addIndexes(state, path, tableName, wantedIndexes({ tableName, ...table }), true);
  }
}

/** Makes sure that a table is there and has these indexes; used for the system's own tables. */
export async function ensureTable(
  state: TransactionState,
  path: string,
  tableName: string,
  indexes: readonly IndexJson[],
): Promise<void> {
  if (state.catalog.table(path, tableName) === undefined) {
    state.edit(createTable(state.catalog, path, tableName));
  }
  await addIndexes(state, path, tableName, indexes.map(named(false)), false);
}

interface WantedIndex {
  readonly name: string;
  readonly fields: readonly string[];
  readonly isStaged: boolean;
}

async function addIndexes(
  state: TransactionState,
  path: string,
  tableName: string,
  wanted: readonly WantedIndex[],
  isStaged: boolean,
): Promise<void> {
  const table = state.catalog.table(path, tableName);
  if (table === undefined) return;
  const add: NewIndex[] = [];
  for (const index of wanted) {
    if (table.indexes.some((known) => isSame(known, index))) continue;
    add.push(await newIndex(state, table, { ...index, isStaged }));
  }
  if (add.length > 0) state.edit(changeIndexes(state.catalog, table, { add }));
}

function createTables(state: TransactionState, path: string, schema: SchemaJson | null): string[] {
  const created: string[] = [];
  for (const { tableName } of schema?.tables ?? []) {
    if (state.catalog.table(path, tableName) !== undefined) continue;
    state.edit(createTable(state.catalog, path, tableName));
    created.push(tableName);
  }
  return created;
}

function userTables(state: TransactionState, path: string): TableEntry[] {
  const tables = [...(state.catalog.components.get(path)?.tables.values() ?? [])];
  return tables.filter((table) => !isSystemTable(table.name));
}

function wantedIndexes(table: TableJson | undefined): WantedIndex[] {
  if (table === undefined) return [];
  return [...table.indexes.map(named(false)), ...table.stagedDbIndexes.map(named(true))];
}

function named(isStaged: boolean): (index: IndexJson) => WantedIndex {
  return ({ indexDescriptor, fields }) => ({ name: indexDescriptor, fields, isStaged });
}

async function newIndex(state: TransactionState, table: TableEntry, index: WantedIndex): Promise<NewIndex> {
  const { documents } = await state.counts(table, true);
  return { ...index, state: documents === 0 ? "ready" : "building" };
}

function isSame(known: IndexEntry, wanted: WantedIndex): boolean {
  return (
    known.name === wanted.name &&
    known.fields.length === wanted.fields.length &&
    known.fields.every((field, at) => field === wanted.fields[at])
  );
}

function describe(table: TableEntry, index: NewIndex): IndexChange {
  return {
    tableName: table.name,
    indexName: index.name,
    fields: index.fields,
    isStaged: index.isStaged,
    needsBackfill: index.state === "building",
  };
}
