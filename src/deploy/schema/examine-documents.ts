/**
 * What a deployment knows for a plan: the schemas that are in force, and how its documents fare under new ones.
 * It reads in small snapshots while the app goes on and changes nothing, so a plan may be asked for at any time.
 */
import { setImmediate } from "node:timers/promises";
import type { Database, DatabaseReader } from "../../database/index.js";
import {
  accepts,
  applyRenames,
  compileTable,
  findTable,
  noSchema,
  ViolationTally,
  type SchemaJson,
  type SchemaRenames,
  type TableData,
  type TableJson,
} from "../../schema/index.js";
import type { Schemas } from "../code/program-code.js";
import { schemasInForce } from "./schemas-in-force.js";

/** One component of a deployment, as a plan wants it. JSON values only. */
export interface ExaminedComponent {
  readonly componentPath: string;
  /** The schema in force; null when there is none. */
  readonly before: SchemaJson | null;
  /** The tables whose documents may not fit the new schema, and those that it removes. */
  readonly data: readonly TableData[];
}

export interface ExamineOptions {
  /** Declared renames of the app's tables and fields. */
  readonly renames: SchemaRenames;
  /** Whether to look at the documents; else `data` is empty. */
  readonly readsDocuments: boolean;
}

const documentsPerSnapshot = 500;

/**
 * Examines every component of the new schemas. O(documents of the tables whose type may refuse some).
 * @throws INVALID_RENAME
 */
export async function examineDocuments(
  database: Database,
  after: Schemas,
  { renames, readsDocuments }: ExamineOptions,
): Promise<readonly ExaminedComponent[]> {
  const examined: ExaminedComponent[] = [];
  for (const [componentPath, before] of await schemasInForce(database, after.keys())) {
    const schema = after.get(componentPath) ?? noSchema;
    const names = componentPath === "" ? renames : {};
    const data = readsDocuments ? await examineTables(database, componentPath, before, schema, names) : [];
    examined.push({ componentPath, before, data });
  }
  return examined;
}

async function examineTables(
  database: Database,
  componentPath: string,
  before: SchemaJson | null,
  after: SchemaJson,
  renames: SchemaRenames,
): Promise<readonly TableData[]> {
  const { stored } = applyRenames(before ?? noSchema, after, renames);
  const oldNames = new Map(Object.entries(renames.tables ?? {}).map(([from, to]) => [to, from]));
  const newNames = new Map(Object.entries(renames.tables ?? {}));
  const data: TableData[] = [];
  for (const table of after.tables) {
    const was = findTable(stored, table.tableName);
    const isHeld = stored.schemaValidation && was !== undefined;
    if (!after.schemaValidation || (isHeld && accepts(table.documentType, was.documentType))) continue;
    const storedAs = oldNames.get(table.tableName) ?? table.tableName;
    data.push(await examineTable(database, componentPath, table, storedAs, newNames));
  }
  for (const { tableName } of stored.tables) {
    if (findTable(after, tableName) !== undefined) continue;
    const documents = await countOf(database, componentPath, tableName);
    data.push({ tableName, documents, checked: 0, violating: 0, violations: [] });
  }
  return data;
}

/** Checks every document of a table that is stored under the name that it had. */
async function examineTable(
  database: Database,
  componentPath: string,
  table: TableJson,
  storedAs: string,
  newNames: ReadonlyMap<string, string>,
): Promise<TableData> {
  const tally = new ViolationTally(table.tableName);
  const { check } = compileTable(table);
  const checkPage = async (reader: DatabaseReader, cursor: string | null): Promise<string | null> => {
    if (!reader.tables().includes(storedAs)) return null;
    const context = {
      tableOfId: (id: string): string | null => {
        const name = reader.tableOfId(id);
        return name === null ? null : (newNames.get(name) ?? name);
      },
    };
    const { page, isDone, continueCursor } = await reader.page(
      { source: { type: "FullTableScan", tableName: storedAs, order: "asc" }, operators: [] },
      { cursor, numItems: documentsPerSnapshot },
    );
    for (const document of page) tally.add(document._id, check(document, context));
    return isDone ? null : continueCursor;
  };
  let cursor: string | null = null;
  do {
    const from: string | null = cursor;
    ({ value: cursor } = await database.query((tx) => checkPage(tx.component(componentPath), from), {
      limits: null,
    }));
    // Storages in this process read without waiting for anything: everyone else gets a turn here.
    await setImmediate();
  } while (cursor !== null);
  return tally.result();
}

async function countOf(database: Database, componentPath: string, tableName: string): Promise<number> {
  const { value } = await database.query(
    async (tx) => {
      const reader = tx.component(componentPath);
      return reader.tables().includes(tableName) ? await reader.count(tableName) : 0;
    },
    { limits: null },
  );
  return value;
}
