/**
 * Changes of a catalog: each takes one and returns the next one together with the records to write. Every change writes a head
 * that no other change writes, by which transactions notice that what they know is out of date.
 */
import { randomUUID } from "node:crypto";
import { TrueupError } from "../../errors/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { Write } from "../../storage/storage.js";
import {
  Catalog,
  isSystemTable,
  type CatalogHead,
  type ComponentEntry,
  type Followers,
  type IndexEntry,
  type PendingSchema,
  type TableEntry,
} from "./catalog.js";
import { catalogKeys, cellsPrefix } from "./key-layout.js";
import {
  compileCheck,
  componentWrite,
  headWrite,
  indexWrite,
  makeIndex,
  makeTable,
  tableWrite,
} from "./records.js";

/** Convex reserves the numbers below for its system's tables. */
const firstTableNumber = 10_001;
const firstSystemTableNumber = 1;
const maxTables = 10_000;
const tableName = /^_?[a-zA-Z][a-zA-Z0-9_]{0,63}$/;

/** The next catalog and what to write for it. */
export interface CatalogEdit {
  readonly catalog: Catalog;
  readonly writes: readonly Write[];
}

/** An index to be created. */
export interface NewIndex {
  readonly name: string;
  readonly fields: readonly string[];
  readonly state: "building" | "ready";
  readonly isStaged: boolean;
  readonly shape: number;
}

/** Names the program that everyone runs who reads this commit or a later one. Nothing follows for a program to come then. */
export function nameProgram(catalog: Catalog, name: string): CatalogEdit {
  return editHead(catalog, { ...withoutFollowers(catalog.head), program: name });
}

/** Names what follows every write for a program to come; null for nothing. */
export function nameFollowers(catalog: Catalog, followers: Followers | null): CatalogEdit {
  const head = withoutFollowers(catalog.head);
  return editHead(catalog, followers === null ? head : { ...head, followers });
}

function withoutFollowers({ followers: _followers, ...head }: CatalogHead): CatalogHead {
  return head;
}

function editHead(catalog: Catalog, changed: CatalogHead): CatalogEdit {
  const head = nextHead(changed);
  return { catalog: new Catalog(head, catalog.components), writes: [headWrite(head)] };
}

/** @throws INVALID_TABLE_NAME, TOO_MANY_TABLES */
export function createTable(catalog: Catalog, path: string, name: string): CatalogEdit {
  assertTableName(name);
  const head = { ...catalog.head };
  const known = catalog.components.get(path) ?? newComponent(head.nextComponent++, path);
  if (known.tables.size >= maxTables) {
    throw new TrueupError("TOO_MANY_TABLES", `A component has at most ${maxTables} tables.`, {
      componentPath: path,
      maximum: maxTables,
    });
  }
  const isSystem = isSystemTable(name);
  const number = isSystem ? known.nextSystemTableNumber : known.nextTableNumber;
  const table = makeTable(known, name, { id: head.nextTable++, number });
  const component = withTable(
    {
      ...known,
      nextTableNumber: known.nextTableNumber + (isSystem ? 0 : 1),
      nextSystemTableNumber: known.nextSystemTableNumber + (isSystem ? 1 : 0),
    },
    table,
  );
  return edit(catalog, head, component, [componentWrite(component), tableWrite(component, table)]);
}

/** Sets or removes a component's schema, and with it the checks of its tables. `changeIndexes` sets the indexes. */
export function setSchema(
  catalog: Catalog,
  path: string,
  schema: SchemaJson | null,
  pending: PendingSchema | null,
): CatalogEdit {
  const head = { ...catalog.head };
  const known = catalog.components.get(path) ?? newComponent(head.nextComponent++, path);
  const tables = [...known.tables.values()].map((table) => ({
    ...table,
    check: compileCheck(schema, table.name),
  }));
  const component = withTables({ ...known, schema, pending }, tables);
  return edit(catalog, head, component, [componentWrite(component)]);
}

/**
 * Adds indexes to a table, removes others and replaces changed ones (same id). The entries of removed
 * ones are left to be cleared.
 */
export function changeIndexes(
  catalog: Catalog,
  table: TableEntry,
  change: {
    add?: readonly NewIndex[];
    remove?: readonly IndexEntry[];
    replace?: readonly IndexEntry[];
  },
): CatalogEdit {
  const head = { ...catalog.head };
  const component = componentOf(catalog, table);
  const added = (change.add ?? []).map((index) => makeIndex(head.nextIndex++, index));
  const removed = new Set((change.remove ?? []).map((index) => index.id));
  const replaced = new Map((change.replace ?? []).map((index) => [index.id, index]));
  const kept = table.indexes
    .filter((index) => !removed.has(index.id))
    .map((index) => replaced.get(index.id) ?? index);
  const next = { ...table, indexes: [...kept, ...added] };
  const writes: Write[] = [...added, ...replaced.values()].map((index) => indexWrite(next, index));
  for (const index of change.remove ?? []) writes.push(...forgetIndex(index));
  return edit(catalog, head, withTable(component, next), writes);
}

/** Removes a table with everything in it; its ranges are left to be cleared. */
export function removeTable(catalog: Catalog, table: TableEntry): CatalogEdit {
  const known = componentOf(catalog, table);
  const tables = [...known.tables.values()].filter((other) => other.id !== table.id);
  const writes: Write[] = [
    [catalogKeys.table(known.number, table.name), undefined],
    [table.countsKey, undefined],
    [catalogKeys.writeThrough(table.id), undefined],
    ...table.transforms.map(({ shape }): Write => [catalogKeys.transform(table.id, shape), undefined]),
    [catalogKeys.cleared(table.documentsPrefix), ""],
    [catalogKeys.cleared(table.idsPrefix), ""],
    ...table.indexes.flatMap(forgetIndex),
  ];
  return edit(catalog, { ...catalog.head }, withTables(known, tables), writes);
}

/** Removes a component's record; its tables must be gone. */
export function removeComponent(catalog: Catalog, path: string): CatalogEdit {
  const component = catalog.components.get(path);
  if (component === undefined) return { catalog, writes: [] };
  const components = new Map(catalog.components);
  components.delete(path);
  const head = nextHead(catalog.head);
  return {
    catalog: new Catalog(head, components),
    writes: [
      headWrite(head),
      [catalogKeys.component(component.number), undefined],
      [catalogKeys.cleared(cellsPrefix(component.number)), ""],
    ],
  };
}

/** Gives tables of a component other names, all at once; ids and everything else stay. @throws INVALID_TABLE_NAME */
export function renameTables(
  catalog: Catalog,
  path: string,
  names: ReadonlyMap<TableEntry, string>,
): CatalogEdit {
  for (const name of names.values()) assertTableName(name);
  const known = catalog.components.get(path);
  if (known === undefined) throw new Error(`no component ${path}`);
  const tables = [...known.tables.values()].map((table) => {
    const name = names.get(table);
    return name === undefined ? table : { ...table, name, check: compileCheck(known.schema, name) };
  });
  const moved = new Set(names.values());
  return edit(catalog, { ...catalog.head }, withTables(known, tables), [
    ...[...names.keys()].map((table): Write => [catalogKeys.table(known.number, table.name), undefined]),
    ...tables.filter(({ name }) => moved.has(name)).map((table) => tableWrite(known, table)),
  ]);
}

/** The records to write for an index that is removed. */
export function forgetIndex(index: IndexEntry): Write[] {
  return [
    [catalogKeys.index(index.id), undefined],
    [catalogKeys.backfill(index.id), undefined],
    [catalogKeys.cleared(index.prefix), ""],
  ];
}

function newComponent(number: number, path: string): ComponentEntry {
  return {
    number,
    path,
    schema: null,
    pending: null,
    nextTableNumber: firstTableNumber,
    nextSystemTableNumber: firstSystemTableNumber,
    tables: new Map(),
    tablesByNumber: new Map(),
  };
}

/** The component of a table. */
export function componentOf(catalog: Catalog, table: TableEntry): ComponentEntry {
  const component = catalog.components.get(table.componentPath);
  if (component === undefined) throw new Error(`no component ${table.componentPath}`);
  return component;
}

/** The component with a table in place of the one of its name. */
export function withTable(component: ComponentEntry, table: TableEntry): ComponentEntry {
  return {
    ...component,
    tables: new Map(component.tables).set(table.name, table),
    tablesByNumber: new Map(component.tablesByNumber).set(table.number, table),
  };
}

function withTables(component: ComponentEntry, tables: readonly TableEntry[]): ComponentEntry {
  return {
    ...component,
    tables: new Map(tables.map((table) => [table.name, table])),
    tablesByNumber: new Map(tables.map((table) => [table.number, table])),
  };
}

/** A catalog with another state of one component. */
export function edit(
  catalog: Catalog,
  counters: CatalogHead,
  component: ComponentEntry,
  writes: readonly Write[],
): CatalogEdit {
  const head = nextHead(counters);
  const components = new Map(catalog.components).set(component.path, component);
  return { catalog: new Catalog(head, components), writes: [headWrite(head), ...writes] };
}

function nextHead(head: CatalogHead): CatalogHead {
  return { ...head, generation: head.generation + 1, token: randomUUID() };
}

function assertTableName(name: string): void {
  if (tableName.test(name)) return;
  throw new TrueupError(
    "INVALID_TABLE_NAME",
    `Invalid table name ${JSON.stringify(name)}: table names are letters, digits and underscores, begin with a letter, and have at most 64 characters.`,
    { table: name },
  );
}
