/**
 * Schemas and validators as TypeScript source for files: a plan shows them as the schema to deploy, and a data file whose
 * sources are lost can still tell its schema. Keeps the order of fields and members, and breaks a line that would grow past
 * the width, as a formatter would.
 */
import type {
  IndexJson,
  SchemaJson,
  SearchIndexJson,
  TableJson,
  VectorIndexJson,
  ObjectFieldJson,
  ValidatorJson,
} from "../schema-json.js";
import { propertyName, valueText } from "./value-text.js";
import { jsonToConvex } from "convex/values";

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

const maxWidth = 80;

/**
 * A validator as source that evaluates to the same JSON, given `v` of `convex/values`.
 * @param indent The depth of the line that it begins on, in steps of two spaces.
 */
export function validatorSource(validator: ValidatorJson, indent: number = 0): string {
  switch (validator.type) {
    case "number":
      return "v.number()";
    case "bigint":
      return "v.int64()";
    case "literal":
      return `v.literal(${valueText(jsonToConvex(validator.value))})`;
    case "id":
      return `v.id(${JSON.stringify(validator.tableName)})`;
    case "array":
      return `v.array(${validatorSource(validator.value, indent)})`;
    case "record": {
      const keys = validatorSource(validator.keys, indent);
      return `v.record(${keys}, ${validatorSource(validator.values.fieldType, indent)})`;
    }
    case "object":
      return `v.object(${fieldsSource(validator.value, indent)})`;
    case "union": {
      const members = (depth: number): string[] =>
        validator.value.map((member) => validatorSource(member, depth));
      return brackets("v.union(", ")", members, indent);
    }
    default:
      return `v.${validator.type}()`;
  }
}

/** The fields of an object validator as an object literal of validators. */
function fieldsSource(fields: Readonly<Record<string, ObjectFieldJson>>, indent: number = 0): string {
  const entries = (depth: number): string[] =>
    Object.entries(fields).map(([name, field]) => {
      const type = validatorSource(field.fieldType, depth);
      return `${propertyName(name)}: ${field.optional ? `v.optional(${type})` : type}`;
    });
  return brackets("{", "}", entries, indent, " ");
}

/**
 * A bracketed list on one line when it is short enough, else one item a line.
 * @param items The items for lines at the given depth.
 * @param space The text between the brackets and the items on a single line.
 * @param used How many characters stand before it on its line, without the indent.
 */
export function brackets(
  open: string,
  close: string,
  items: (depth: number) => readonly string[],
  indent: number,
  space: string = "",
  used: number = 0,
): string {
  const inline = items(indent);
  if (inline.length === 0) return open + close;
  const line = `${open}${space}${inline.join(", ")}${space}${close}`;
  if (!line.includes("\n") && line.length + indent * 2 + used <= maxWidth) return line;
  const inner = "  ".repeat(indent + 1);
  const lines = items(indent + 1).map((item) => `${inner}${item},\n`);
  return `${open}\n${lines.join("")}${"  ".repeat(indent)}${close}`;
}
