/**
 * Holds the documents that are there against the schemas of a program that is put in place from modules.
 * It runs inside the activation's transaction, so nothing is written in between; a push, which goes on
 * beside an app's writers, prepares its schemas in `deploy`.
 */
import type { MutationTransaction } from "../database/index.js";
import type { Schemas } from "../deploy/index.js";
import { TrueupError } from "../errors/index.js";
import {
  compileTable,
  describeStoredDocument,
  findTable,
  type SchemaJson,
  type TableJson,
} from "../schema/index.js";

interface Problem {
  readonly componentPath: string;
  readonly tableName: string;
  /** How many documents do not fit, and the first of them. */
  readonly documents: number;
  readonly id: string;
  readonly description: string;
}

/**
 * Reads every document of the tables whose type is not the enforced one already. O(those documents).
 * @throws SCHEMA_NOT_SATISFIED
 */
export async function checkDocuments(
  tx: MutationTransaction,
  before: Schemas,
  after: Schemas,
): Promise<void> {
  const problems: Problem[] = [];
  for (const [componentPath, schema] of after) {
    for (const table of schema?.schemaValidation === true ? schema.tables : []) {
      if (!isEnforced(before.get(componentPath) ?? null, table)) {
        problems.push(...(await checkTable(tx, componentPath, table)));
      }
    }
  }
  if (problems.length > 0) {
    const described = problems.map(({ documents, tableName, description }) =>
      documents === 1
        ? description
        : `${documents} documents of table "${tableName}", the first: ${description}`,
    );
    throw new TrueupError("SCHEMA_NOT_SATISFIED", `Schema validation failed. ${described.join("\n\n")}`, {
      problems: problems.map(({ description: _text, ...problem }) => problem),
    });
  }
}

/** True when every stored document has been held to this type when it was written. */
function isEnforced(schema: SchemaJson | null, table: TableJson): boolean {
  const known = schema?.schemaValidation === true ? findTable(schema, table.tableName) : undefined;
  return known !== undefined && JSON.stringify(known.documentType) === JSON.stringify(table.documentType);
}

async function checkTable(
  tx: MutationTransaction,
  componentPath: string,
  table: TableJson,
): Promise<Problem[]> {
  const reader = tx.component(componentPath);
  const { tableName } = table;
  if (!reader.tables().includes(tableName)) {
    return [];
  }
  const { fits, check } = compileTable(table);
  const stream = reader.stream({ source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] });
  let first: { readonly id: string; readonly description: string } | null = null;
  let documents = 0;
  for (let document = await stream.next(); document !== null; document = await stream.next()) {
    if (!fits(document, reader)) {
      const id = document._id;
      first ??= { id, description: describeStoredDocument(tableName, id, check(document, reader)) };
      documents += 1;
    }
  }
  return first === null ? [] : [{ componentPath, tableName, documents, ...first }];
}
