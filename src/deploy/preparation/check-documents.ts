/**
 * Reads the stored documents that a new schema may refuse, and finds those that do not fit. It reads in small snapshots while
 * the app goes on writing; what is written meanwhile is looked at again when the schema is put in place
 * (`touched-documents.ts`).
 */
import { setImmediate } from "node:timers/promises";
import type { Database, DatabaseReader } from "../../database/index.js";
import {
  accepts,
  compileTable,
  findTable,
  ViolationTally,
  type CheckContext,
  type CompiledTable,
  type SchemaJson,
  type TableData,
  type TableJson,
} from "../../schema/index.js";
import type { DocumentProblems } from "./document-problems.js";

const documentsPerSnapshot = 500;

/** A table whose documents must be looked at. */
export interface TableToCheck {
  readonly componentPath: string;
  /** As the new schema has it. */
  readonly table: TableJson;
  /** The name that it has until the schema is put in place. */
  readonly storedAs: string;
  /** Tables of the component that get other names with the schema: old name to new. */
  readonly newNames: ReadonlyMap<string, string>;
  /** Only documents that fit this are looked at; all of them when it is left out. */
  readonly among?: TableJson;
}

/**
 * The tables of a component whose documents may not fit: those of a validating schema whose type may refuse some.
 * @param enforced What is held to be true of all documents, in the names of the new schema; null for nothing.
 */
export function tablesToCheck(
  componentPath: string,
  enforced: SchemaJson | null,
  after: SchemaJson | null,
  newNames: ReadonlyMap<string, string> = new Map(),
): TableToCheck[] {
  const oldNames = new Map([...newNames].map(([from, to]) => [to, from]));
  return (after?.schemaValidation === true ? after.tables : [])
    .filter((table) => !isEnforced(enforced, table))
    .map((table) => {
      const storedAs = oldNames.get(table.tableName) ?? table.tableName;
      return { componentPath, table, storedAs, newNames };
    });
}

/** True when whatever the schema in force let in fits this type too, so that no document need be read. */
export function isEnforced(schema: SchemaJson | null, table: TableJson): boolean {
  if (schema?.schemaValidation !== true) return false;
  const known = findTable(schema, table.tableName);
  return known !== undefined && accepts(table.documentType, known.documentType);
}

/** Looks at every document of the table; adds those that do not fit to the problems, if there are such. O(documents). */
export async function checkTable(
  database: Database,
  table: TableToCheck,
  problems?: DocumentProblems,
): Promise<TableData> {
  const tally = new ViolationTally(table.table.tableName);
  const checkFrom = async (cursor: string | null): Promise<string | null> => {
    const { value } = await database.query(
      (tx) => checkPage(tx.component(table.componentPath), table, cursor, tally, problems),
      { limits: null },
    );
    return value;
  };
  let cursor = await checkFrom(null);
  while (cursor !== null) {
    // A storage in this process reads without waiting for anything, so everyone else gets a turn here.
    await setImmediate();
    cursor = await checkFrom(cursor);
  }
  return tally.result();
}

/** Looks at some documents, once the table has its new name. Documents that are gone are no problem. */
export async function checkSome(
  reader: DatabaseReader,
  of: TableToCheck,
  ids: Iterable<string>,
  problems: DocumentProblems,
): Promise<void> {
  const { componentPath, table } = of;
  const check = checkOf(of);
  for (const id of ids) {
    const document = await reader.get(id, table.tableName);
    if (document !== null) problems.add(componentPath, table.tableName, id, check(document, reader));
  }
}

/** Answers what a check asks about ids, in the names that tables are going to have. */
export function contextWith(
  newNames: ReadonlyMap<string, string>,
  tableOfId: (id: string) => string | null,
): CheckContext {
  return {
    tableOfId: (id) => {
      const name = tableOfId(id);
      return name === null ? null : (newNames.get(name) ?? name);
    },
  };
}

function checkOf({ table, among }: TableToCheck): CompiledTable["check"] {
  const { fits, check } = compileTable(table);
  const known = among === undefined ? null : compileTable(among);
  return (document, context) =>
    fits(document, context) || known?.fits(document, context) === false ? [] : check(document, context);
}

/** The cursor of the next page; null after the last one. */
async function checkPage(
  reader: DatabaseReader,
  of: TableToCheck,
  cursor: string | null,
  tally: ViolationTally,
  problems: DocumentProblems | undefined,
): Promise<string | null> {
  const { componentPath, table, storedAs, newNames } = of;
  if (!reader.tables().includes(storedAs)) return null;
  const context = contextWith(newNames, (id) => reader.tableOfId(id));
  const check = checkOf(of);
  const { page, isDone, continueCursor } = await reader.page(
    { source: { type: "FullTableScan", tableName: storedAs, order: "asc" }, operators: [] },
    { cursor, numItems: documentsPerSnapshot },
  );
  for (const document of page) {
    const violations = check(document, context);
    tally.add(document._id, violations);
    problems?.add(componentPath, table.tableName, document._id, violations);
  }
  return isDone ? null : continueCursor;
}
