/**
 * The catalog as records of the storage: a head with the counters, and one record for each component, table
 * and index, so that a change writes little. A component's record carries its schema's JSON.
 */
import { TrueupError } from "../../errors/index.js";
import { compileTable, findTable, type SchemaJson } from "../../schema/index.js";
import { prefixEnd } from "../../values/index.js";
import type { StorageReader, Write } from "../../storage/storage.js";
import {
  Catalog,
  emptyCatalog,
  isSystemTable,
  type CatalogHead,
  type ComponentEntry,
  type IndexEntry,
  type TableEntry,
} from "./catalog.js";
import {
  catalogKeys,
  countsKey,
  decodeNumber,
  documentsPrefix,
  idsPrefix,
  indexPrefix,
} from "./key-layout.js";

interface ComponentRecord {
  readonly path: string;
  readonly schema: SchemaJson | null;
  readonly nextTableNumber: number;
  readonly nextSystemTableNumber: number;
}

interface TableRecord {
  readonly id: number;
  readonly number: number;
}

interface IndexRecord {
  readonly table: number;
  readonly name: string;
  readonly fields: readonly string[];
  readonly state: "building" | "ready";
  readonly isStaged: boolean;
}

export function headWrite(head: CatalogHead): Write {
  return [catalogKeys.head, JSON.stringify(head)];
}

export function componentWrite(component: ComponentEntry): Write {
  const { path, schema, nextTableNumber, nextSystemTableNumber } = component;
  const record: ComponentRecord = { path, schema, nextTableNumber, nextSystemTableNumber };
  return [catalogKeys.component(component.number), JSON.stringify(record)];
}

export function tableWrite(component: ComponentEntry, table: TableEntry): Write {
  const record: TableRecord = { id: table.id, number: table.number };
  return [catalogKeys.table(component.number, table.name), JSON.stringify(record)];
}

export function indexWrite(table: TableEntry, index: IndexEntry): Write {
  const { name, fields, state, isStaged } = index;
  const record: IndexRecord = { table: table.id, name, fields, state, isStaged };
  return [catalogKeys.index(index.id), JSON.stringify(record)];
}

export function makeIndex(id: number, record: Omit<IndexRecord, "table">): IndexEntry {
  return {
    id,
    ...record,
    paths: record.fields.map((field) => field.split(".")),
    prefix: indexPrefix(id),
  };
}

export function makeTable(
  component: { path: string; schema: SchemaJson | null },
  name: string,
  id: number,
  number: number,
  indexes: readonly IndexEntry[],
): TableEntry {
  return {
    id,
    number,
    name,
    componentPath: component.path,
    documentsPrefix: documentsPrefix(id),
    idsPrefix: idsPrefix(id),
    countsKey: countsKey(id),
    indexes,
    check: compileCheck(component.schema, name),
  };
}

/** The check of a table's documents under a schema, or null when the schema has none for it. */
export function compileCheck(schema: SchemaJson | null, tableName: string): TableEntry["check"] {
  if (schema === null || !schema.schemaValidation || isSystemTable(tableName)) return null;
  const table = findTable(schema, tableName);
  return table === undefined ? null : compileTable(table);
}

/** The catalog as the reader sees it. O(components + tables + indexes). @throws STORAGE_CORRUPT */
export async function loadCatalog(reader: StorageReader): Promise<Catalog> {
  const headText = await reader.get(catalogKeys.head);
  if (headText === undefined) return emptyCatalog;
  try {
    const head = JSON.parse(headText) as CatalogHead;
    if (head.format !== 1) throw new Error(`format ${String(head.format)} is not known`);
    const indexes = await loadIndexes(reader);
    const tables = await records<TableRecord>(reader, catalogKeys.tables);
    const components = new Map<string, ComponentEntry>();
    for (const [key, record] of await records<ComponentRecord>(reader, catalogKeys.components)) {
      const number = decodeNumber(key, catalogKeys.components.length);
      const prefix = catalogKeys.table(number, "");
      const entries = tables
        .filter(([tableKey]) => tableKey.startsWith(prefix))
        .map(([tableKey, { id, number: tableNumber }]) =>
          makeTable(record, tableKey.slice(prefix.length), id, tableNumber, indexes.get(id) ?? []),
        );
      components.set(record.path, {
        number,
        ...record,
        tables: new Map(entries.map((table) => [table.name, table])),
        tablesByNumber: new Map(entries.map((table) => [table.number, table])),
      });
    }
    return new Catalog(head, components);
  } catch (error) {
    if (error instanceof TrueupError) throw error;
    throw new TrueupError("STORAGE_CORRUPT", `The catalog cannot be read: ${String(error)}`, {}, error);
  }
}

async function loadIndexes(reader: StorageReader): Promise<Map<number, IndexEntry[]>> {
  const byTable = new Map<number, IndexEntry[]>();
  for (const [key, { table, ...record }] of await records<IndexRecord>(reader, catalogKeys.indexes)) {
    const index = makeIndex(decodeNumber(key, catalogKeys.indexes.length), record);
    const indexes = byTable.get(table);
    if (indexes === undefined) byTable.set(table, [index]);
    else indexes.push(index);
  }
  return byTable;
}

async function records<T>(reader: StorageReader, prefix: string): Promise<[string, T][]> {
  const entries = await reader.scan({ start: prefix, end: prefixEnd(prefix) });
  return entries.map(([key, text]) => [key, JSON.parse(text) as T]);
}
