/**
 * Finds out what a plan needs of a deployment: the schemas that are in force, and which documents new ones would refuse. It
 * reads in small snapshots while the app goes on, and changes nothing, so a plan may be asked for at any time.
 */
import type { Database } from "../../database/index.js";
import {
  applyRenames,
  findTable,
  noSchema,
  type SchemaJson,
  type SchemaRenames,
  type TableData,
} from "../../schema/index.js";
import type { Schemas } from "../code/program-code.js";
import { checkTable, tablesToCheck } from "./check-documents.js";
import { schemasInForce } from "./data-in-force.js";

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
  /** Whether to look at the documents; if not, `data` is empty. */
  readonly readsDocuments: boolean;
}

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
  const newNames = new Map(Object.entries(renames.tables ?? {}));
  const data: TableData[] = [];
  for (const table of tablesToCheck(componentPath, stored, after, newNames)) {
    data.push(await checkTable(database, table));
  }
  for (const { tableName } of stored.tables) {
    if (findTable(after, tableName) !== undefined) continue;
    const documents = await countOf(database, componentPath, tableName);
    data.push({ tableName, documents, checked: 0, violating: 0, violations: [] });
  }
  return data;
}

/** How many documents a table has; none when it is not there. */
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
