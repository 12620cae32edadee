/**
 * Brings a component from the schema that it has to the next one: creates tables, adds and drops indexes. Indexes are the same
 * when their name, their fields and the shape of their documents are, so one that was built ahead is taken over when its
 * schema comes.
 */
import type { IndexJson, SchemaJson, TableJson } from "../../schema/index.js";
import { type IndexEntry, isSystemTable, type PendingSchema, type TableEntry } from "../catalog/catalog.js";
import { changeIndexes, createTable, type NewIndex, setSchema } from "../catalog/edits.js";
import type { TransactionState } from "../transaction/transaction.js";
import { dropPrepared, preparedShape, prepareTransforms } from "../transforms/prepared-transforms.js";
import type { ApplySchemaOptions, PrepareOptions, SchemaState } from "../transforms/types.js";

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
  options: ApplySchemaOptions,
): Promise<SchemaChange> {
  const known = state.catalog.components.get(path);
  const pending: PendingSchema | null =
    options.pending === undefined
      ? null
      : {
          sinceMs: state.beganAtMs,
          migrations: [...options.pending.migrations],
          tables: [...options.pending.tables],
        };
  const isNew = JSON.stringify(known?.schema ?? null) !== JSON.stringify(schema);
  if (isNew || pending !== null || (known?.pending ?? null) !== null) {
    state.edit(setSchema(state.catalog, path, schema, pending));
  }
  abandonPrepared(state, path);
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
      const at = remaining.findIndex((known) => isSame(known, index, table.shape));
      const known = at < 0 ? undefined : remaining.splice(at, 1)[0];
      if (known === undefined) add.push(await newIndex(state, table, index, table.shape));
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
 * until `applySchema` takes them over, or drops them when another schema comes. Where transforms will have begun
 * by then, all of the table's indexes are built through them.
 */
export async function prepareIndexes(
  state: TransactionState,
  path: string,
  schema: SchemaJson,
  { through = {}, renames = {} }: PrepareOptions,
): Promise<void> {
  const newNames = new Map(Object.entries(renames));
  const oldNames = new Map([...newNames].map(([from, to]) => [to, from]));
  createTables(state, path, schema, new Set(oldNames.keys()));
  for (const table of userTables(state, path)) {
    prepareTransforms(state, table, through[newNames.get(table.name) ?? table.name] ?? []);
  }
  for (const wanted of schema.tables) {
    const table = state.catalog.table(path, oldNames.get(wanted.tableName) ?? wanted.tableName);
    if (table !== undefined) {
      await addIndexes(state, table, wantedIndexes(wanted), preparedShape(table), true);
    }
  }
}

/** Forgets what `prepareIndexes` was told of transforms, and the indexes that were built through them. */
export function abandonPrepared(state: TransactionState, path: string): void {
  for (const table of userTables(state, path)) dropPrepared(state, table);
}

/** Makes sure that a table exists and has these indexes; used for the system's own tables. */
export async function ensureTable(
  state: TransactionState,
  path: string,
  tableName: string,
  indexes: readonly IndexJson[],
): Promise<void> {
  if (state.catalog.table(path, tableName) === undefined) {
    state.edit(createTable(state.catalog, path, tableName));
  }
  const table = state.catalog.table(path, tableName);
  if (table !== undefined) await addIndexes(state, table, indexes.map(named(false)), table.shape, false);
}

interface WantedIndex {
  readonly name: string;
  readonly fields: readonly string[];
  readonly isStaged: boolean;
}

async function addIndexes(
  state: TransactionState,
  table: TableEntry,
  wanted: readonly WantedIndex[],
  shape: number,
  isStaged: boolean,
): Promise<void> {
  const add: NewIndex[] = [];
  for (const index of wanted) {
    if (table.indexes.some((known) => isSame(known, index, shape))) continue;
    add.push(await newIndex(state, table, { ...index, isStaged }, shape));
  }
  if (add.length > 0) state.edit(changeIndexes(state.catalog, table, { add }));
}

function createTables(
  state: TransactionState,
  path: string,
  schema: SchemaJson | null,
  except: ReadonlySet<string> = new Set(),
): string[] {
  const created: string[] = [];
  for (const { tableName } of schema?.tables ?? []) {
    if (except.has(tableName)) continue;
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

async function newIndex(
  state: TransactionState,
  table: TableEntry,
  index: WantedIndex,
  shape: number,
): Promise<NewIndex> {
  const { documents } = await state.counts(table);
  return { ...index, state: documents === 0 ? "ready" : "building", shape };
}

function isSame(known: IndexEntry, wanted: WantedIndex, shape: number): boolean {
  return (
    known.shape === shape &&
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

export function schemaState(state: TransactionState, path: string): SchemaState {
  const pending = state.catalog.components.get(path)?.pending ?? null;
  return pending === null ? { state: "narrow" } : { state: "pending", ...pending };
}

/** Records that all documents of a component fit its schema now. */
export function setNarrowed(state: TransactionState, path: string): void {
  const component = state.catalog.components.get(path);
  if (component === undefined || component.pending === null) return;
  state.edit(setSchema(state.catalog, path, component.schema, null));
}
