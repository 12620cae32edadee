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
  type CatalogHead,
  type ComponentEntry,
  emptyCatalog,
  type IndexEntry,
  isSystemTable,
  type PendingSchema,
  type TableEntry,
  type TransformEntry,
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
  readonly pending?: Omit<PendingSchema, "tables"> & Partial<PendingSchema>;
  readonly nextTableNumber: number;
  readonly nextSystemTableNumber: number;
}

/** What is left out is 0. */
interface TableRecord {
  readonly id: number;
  readonly number: number;
  readonly shape?: number;
  readonly settledShape?: number;
}

interface IndexRecord {
  readonly table: number;
  readonly name: string;
  readonly fields: readonly string[];
  readonly state: "building" | "ready";
  readonly isStaged: boolean;
  /** 0 when it is left out. */
  readonly shape?: number;
}

type TransformRecord = Omit<TransformEntry, "shape">;

export function headWrite(head: CatalogHead): Write {
  return [catalogKeys.head, JSON.stringify(head)];
}

export function componentWrite(component: ComponentEntry): Write {
  const { path, schema, pending, nextTableNumber, nextSystemTableNumber } = component;
  const known = { path, schema, nextTableNumber, nextSystemTableNumber };
  const record: ComponentRecord = pending === null ? known : { ...known, pending };
  return [catalogKeys.component(component.number), JSON.stringify(record)];
}

export function tableWrite(component: ComponentEntry, table: TableEntry): Write {
  const { id, number, shape, settledShape } = table;
  const record: TableRecord = shape === 0 ? { id, number } : { id, number, shape, settledShape };
  return [catalogKeys.table(component.number, table.name), JSON.stringify(record)];
}

export function indexWrite(table: TableEntry, index: IndexEntry): Write {
  const { name, fields, state, isStaged, shape } = index;
  const known = { table: table.id, name, fields, state, isStaged };
  const record: IndexRecord = shape === 0 ? known : { ...known, shape };
  return [catalogKeys.index(index.id), JSON.stringify(record)];
}

export function transformWrite(table: TableEntry, { shape, ...record }: TransformEntry): Write {
  return [catalogKeys.transform(table.id, shape), JSON.stringify(record satisfies TransformRecord)];
}

export function makeIndex(id: number, record: Omit<IndexRecord, "table">): IndexEntry {
  return {
    id,
    ...record,
    shape: record.shape ?? 0,
    paths: record.fields.map((field) => field.split(".")),
    prefix: indexPrefix(id),
  };
}

export function makeTable(
  component: { path: string; schema: SchemaJson | null },
  name: string,
  { id, number, shape = 0, settledShape = 0 }: TableRecord,
  indexes: readonly IndexEntry[] = [],
  transforms: readonly TransformEntry[] = [],
): TableEntry {
  return {
    id,
    number,
    name,
    shape,
    settledShape,
    transforms,
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
    const transforms = await loadTransforms(reader);
    const tables = await records<TableRecord>(reader, catalogKeys.tables);
    const components = new Map<string, ComponentEntry>();
    for (const [key, record] of await records<ComponentRecord>(reader, catalogKeys.components)) {
      const number = decodeNumber(key, catalogKeys.components.length);
      const prefix = catalogKeys.table(number, "");
      const entries = tables
        .filter(([tableKey]) => tableKey.startsWith(prefix))
        .map(([tableKey, table]) =>
          makeTable(
            record,
            tableKey.slice(prefix.length),
            table,
            indexes.get(table.id),
            transforms.get(table.id),
          ),
        );
      components.set(record.path, {
        number,
        ...record,
        pending: record.pending === undefined ? null : { tables: [], ...record.pending },
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

async function loadTransforms(reader: StorageReader): Promise<Map<number, TransformEntry[]>> {
  const byTable = new Map<number, TransformEntry[]>();
  const numbersAt = catalogKeys.transforms.length;
  for (const [key, record] of await records<TransformRecord>(reader, catalogKeys.transforms)) {
    const table = decodeNumber(key, numbersAt);
    const transform = { ...record, shape: decodeNumber(key, numbersAt + 4) };
    byTable.set(table, [...(byTable.get(table) ?? []), transform]);
  }
  return byTable;
}

async function records<T>(reader: StorageReader, prefix: string): Promise<[string, T][]> {
  const entries = await reader.scan({ start: prefix, end: prefixEnd(prefix) });
  return entries.map(([key, text]) => [key, JSON.parse(text) as T]);
}

/** The number of documents of a table and their size; stored as "documents,bytes", one record for each table. */
export interface TableCounts {
  readonly documents: number;
  /** The sum of the documents' sizes, system fields included, as Convex measures them. */
  readonly sizeBytes: number;
}

export function parseCounts(text: string | undefined): TableCounts {
  if (text === undefined) return { documents: 0, sizeBytes: 0 };
  const comma = text.indexOf(",");
  return { documents: Number(text.slice(0, comma)), sizeBytes: Number(text.slice(comma + 1)) };
}

export function formatCounts({ documents, sizeBytes }: TableCounts): string {
  return `${documents},${sizeBytes}`;
}

/** What a stored count becomes when a commit adds to it. */
export function addToCounts(text: string, [documents = 0, sizeBytes = 0]: readonly number[]): string {
  const before = parseCounts(text);
  return formatCounts({ documents: before.documents + documents, sizeBytes: before.sizeBytes + sizeBytes });
}
