/**
 * A schema as the TypeScript of a `convex/schema.ts`: what a plan shows as the schema to deploy, and
 * what a data file without its sources can still tell of its schema.
 */
import type { IndexJson, SchemaJson, SearchIndexJson, TableJson, VectorIndexJson } from "../schema-json.js";
import { brackets, fieldsSource, validatorSource } from "./validator-source.js";
import { propertyName } from "./value-text.js";

/** A whole module whose default export evaluates to the same JSON. */
export function schemaSource(schema: SchemaJson): string {
  const tables = (depth: number): string[] =>
    schema.tables.map((table) => `${propertyName(table.tableName)}: ${tableSource(table, depth)}`);
  const options = schema.schemaValidation ? "" : ", { schemaValidation: false }";
  return [
    'import { defineSchema, defineTable } from "convex/server";',
    'import { v } from "convex/values";',
    "",
    `export default defineSchema(${brackets("{", "}", tables, 0, " ")}${options});`,
    "",
  ].join("\n");
}

/** One table as a `defineTable` call with its indexes. */
function tableSource(table: TableJson, indent: number): string {
  const { documentType } = table;
  const type =
    documentType.type === "object"
      ? fieldsSource(documentType.value, indent)
      : validatorSource(documentType, indent);
  const calls = [
    ...table.indexes.map((index) => indexCall(index, false)),
    ...table.stagedDbIndexes.map((index) => indexCall(index, true)),
    ...table.searchIndexes.map((index) => searchIndexCall(index, false)),
    ...table.stagedSearchIndexes.map((index) => searchIndexCall(index, true)),
    ...table.vectorIndexes.map((index) => vectorIndexCall(index, false)),
    ...table.stagedVectorIndexes.map((index) => vectorIndexCall(index, true)),
  ];
  if (table.stagedDocumentType !== undefined) {
    calls.push(`.staged(${validatorSource(table.stagedDocumentType, indent + 1)})`);
  }
  const inner = `\n${"  ".repeat(indent + 1)}`;
  return `defineTable(${type})${calls.map((call) => inner + call).join("")}`;
}

function indexCall({ indexDescriptor, fields }: IndexJson, staged: boolean): string {
  const config = staged ? `{ fields: ${list(fields)}, staged: true }` : list(fields);
  return `.index(${JSON.stringify(indexDescriptor)}, ${config})`;
}

function searchIndexCall(index: SearchIndexJson, staged: boolean): string {
  const config = [`searchField: ${JSON.stringify(index.searchField)}`];
  return `.searchIndex(${JSON.stringify(index.indexDescriptor)}, ${options(config, index, staged)})`;
}

function vectorIndexCall(index: VectorIndexJson, staged: boolean): string {
  const config = [`vectorField: ${JSON.stringify(index.vectorField)}`, `dimensions: ${index.dimensions}`];
  return `.vectorIndex(${JSON.stringify(index.indexDescriptor)}, ${options(config, index, staged)})`;
}

function options(
  config: readonly string[],
  { filterFields }: { readonly filterFields: readonly string[] },
  staged: boolean,
): string {
  const filter = filterFields.length === 0 ? [] : [`filterFields: ${list(filterFields)}`];
  return `{ ${[...config, ...filter, ...(staged ? ["staged: true"] : [])].join(", ")} }`;
}

function list(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(", ")}]`;
}
