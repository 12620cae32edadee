/**
 * Reads the stored documents that a new schema has something to say about, and finds those that do not fit. It
 * reads in small snapshots while the app goes on writing; what is written meanwhile is looked at again when
 * the schema is put in place (`touched-documents.ts`).
 */
import { setImmediate } from "node:timers/promises";
import type { Database, DatabaseReader } from "../../database/index.js";
import { accepts, compileTable, findTable, type SchemaJson, type TableJson } from "../../schema/index.js";
import type { Schemas } from "../code/program-code.js";
import type { DocumentProblems } from "./document-problems.js";

const documentsPerSnapshot = 500;

/** A table whose documents must be looked at. */
export interface TableToCheck {
  readonly componentPath: string;
  readonly table: TableJson;
}

/** The tables whose documents may not fit: those of a validating schema whose type may refuse some. */
export function tablesToCheck(before: Schemas, after: Schemas): TableToCheck[] {
  return [...after].flatMap(([componentPath, schema]) =>
    (schema?.schemaValidation === true ? schema.tables : [])
      .filter((table) => !isEnforced(before.get(componentPath) ?? null, table))
      .map((table) => ({ componentPath, table })),
  );
}

/** True when whatever the schema in force let in fits this type too, so that no document need be read. */
export function isEnforced(schema: SchemaJson | null, table: TableJson): boolean {
  if (schema?.schemaValidation !== true) return false;
  const known = findTable(schema, table.tableName);
  return known !== undefined && accepts(table.documentType, known.documentType);
}

/** Looks at every document of the table. O(documents). */
export async function checkTable(
  database: Database,
  { componentPath, table }: TableToCheck,
  problems: DocumentProblems,
): Promise<void> {
  const checkFrom = async (cursor: string | null): Promise<string | null> => {
    const { value } = await database.query(
      (tx) => checkPage(tx.component(componentPath), componentPath, table, cursor, problems),
      { limits: null },
    );
    return value;
  };
  let cursor = await checkFrom(null);
  while (cursor !== null) {
    // Storages in this process read without waiting for anything: everyone else gets a turn here.
    await setImmediate();
    cursor = await checkFrom(cursor);
  }
}

/** Looks at some documents; those that are gone are no problem. */
export async function checkSome(
  reader: DatabaseReader,
  { componentPath, table }: TableToCheck,
  ids: Iterable<string>,
  problems: DocumentProblems,
): Promise<void> {
  const { check } = compileTable(table);
  for (const id of ids) {
    const document = await reader.get(id, table.tableName);
    if (document !== null) problems.add(componentPath, table.tableName, id, check(document, reader));
  }
}

/** The cursor of the next page; null after the last one. */
async function checkPage(
  reader: DatabaseReader,
  componentPath: string,
  table: TableJson,
  cursor: string | null,
  problems: DocumentProblems,
): Promise<string | null> {
  const { tableName } = table;
  if (!reader.tables().includes(tableName)) return null;
  const { fits, check } = compileTable(table);
  const { page, isDone, continueCursor } = await reader.page(
    { source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] },
    { cursor, numItems: documentsPerSnapshot },
  );
  for (const document of page) {
    if (!fits(document, reader))
      problems.add(componentPath, tableName, document._id, check(document, reader));
  }
  return isDone ? null : continueCursor;
}
