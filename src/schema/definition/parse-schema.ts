/**
 * Reads a schema as an app or a deploy brings it, and refuses everything that Convex refuses, all at once: a schema that passes
 * here can be deployed there. The JSON that the rest of the room works on is complete: lists that older exports leave out
 * are there, empty.
 */
import type { GenericSchema, SchemaDefinition } from "convex/server";
import type {
  IndexJson,
  SchemaJson,
  SearchIndexJson,
  TableJson,
  VectorIndexJson,
  ValidatorJson,
} from "../schema-json.js";
import { isJsonObject, parseText, ValidatorReader } from "./parse-validator.js";
import { invalidSchema, type SchemaProblem } from "./problem.js";
import { checkIndexes } from "./check-indexes.js";
import { isIdentifier } from "./identifiers.js";

/** A schema as `defineSchema` makes it, as its JSON, or as the text of its JSON. */
export type SchemaSource = SchemaDefinition<GenericSchema, boolean> | SchemaJson | string;

/**
 * The checked JSON of a schema.
 * @throws INVALID_SCHEMA with every problem, as `details.problems`.
 */
export function parseSchema(source: SchemaSource): SchemaJson {
  const json = typeof source === "string" ? parseText(source) : exported(source);
  if (!isJsonObject(json) || !Array.isArray(json["tables"])) {
    const message = "This is not the JSON of a schema: it has no list of tables.";
    throw invalidSchema([{ code: "MalformedSchema", message }]);
  }
  const problems: SchemaProblem[] = [];
  const tables = json["tables"].map((table: unknown) => readTable(table, problems));
  if (problems.length > 0) throw invalidSchema(problems);
  const schema: SchemaJson = { tables, schemaValidation: json["schemaValidation"] !== false };
  const refused = checkDefinition(schema);
  if (refused.length > 0) throw invalidSchema(refused);
  return schema;
}

function exported(source: SchemaDefinition<GenericSchema, boolean> | SchemaJson): unknown {
  if (!("export" in source) || typeof source.export !== "function") return source;
  const text: unknown = source.export();
  return typeof text === "string" ? parseText(text) : text;
}

function readTable(json: unknown, problems: SchemaProblem[]): TableJson {
  const table = isJsonObject(json) ? json : {};
  const tableName = String(table["tableName"]);
  const malformed = (what: string): void => {
    problems.push({
      code: "MalformedSchema",
      message: `In table "${tableName}" ${what} is malformed.`,
      tableName,
    });
  };
  if (typeof table["tableName"] !== "string") malformed("the name");

  const reader = new ValidatorReader(tableName);
  const documentType =
    table["documentType"] === undefined || table["documentType"] === null
      ? ({ type: "any" } as const)
      : reader.read(table["documentType"], `"${tableName}"`);
  const staged = table["stagedDocumentType"];
  const stagedDocumentType =
    staged === undefined || staged === null
      ? undefined
      : reader.read(staged, `the staged type of "${tableName}"`);
  problems.push(...reader.problems);

  const list = <Index>(key: string, read: (index: JsonObject) => Index | undefined): Index[] =>
    readList(table[key], read, () => malformed(key));
  return {
    tableName,
    indexes: list("indexes", readIndex),
    stagedDbIndexes: list("stagedDbIndexes", readIndex),
    searchIndexes: list("searchIndexes", readSearchIndex),
    stagedSearchIndexes: list("stagedSearchIndexes", readSearchIndex),
    vectorIndexes: list("vectorIndexes", readVectorIndex),
    stagedVectorIndexes: list("stagedVectorIndexes", readVectorIndex),
    documentType,
    ...(stagedDocumentType === undefined ? {} : { stagedDocumentType }),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function readList<Item>(
  json: unknown,
  read: (item: JsonObject) => Item | undefined,
  onMalformed: () => void,
): Item[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) {
    onMalformed();
    return [];
  }
  return json.flatMap((element: unknown) => {
    const item = isJsonObject(element) ? read(element) : undefined;
    if (item === undefined) onMalformed();
    return item === undefined ? [] : [item];
  });
}

function readIndex({ indexDescriptor, fields }: JsonObject): IndexJson | undefined {
  if (typeof indexDescriptor !== "string" || !isStrings(fields)) return undefined;
  return { indexDescriptor, fields };
}

function readSearchIndex(json: JsonObject): SearchIndexJson | undefined {
  const { indexDescriptor, searchField, filterFields = [] } = json;
  if (typeof indexDescriptor !== "string" || typeof searchField !== "string") return undefined;
  return isStrings(filterFields) ? { indexDescriptor, searchField, filterFields } : undefined;
}

function readVectorIndex(json: JsonObject): VectorIndexJson | undefined {
  const { indexDescriptor, vectorField, dimensions, filterFields = [] } = json;
  if (typeof indexDescriptor !== "string" || typeof vectorField !== "string") return undefined;
  if (typeof dimensions !== "number" || !isStrings(filterFields)) return undefined;
  return { indexDescriptor, vectorField, dimensions, filterFields };
}

function isStrings(json: unknown): json is string[] {
  return Array.isArray(json) && json.every((element) => typeof element === "string");
}

const maxTables = 10_000;

/** All problems of a well-formed schema, tables in order; none when it may be used. */
function checkDefinition(schema: SchemaJson): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  if (schema.tables.length > maxTables) {
    problems.push({
      code: "TooManyTables",
      message: `Number of tables cannot exceed ${maxTables}.`,
    });
  }
  const names = new Set<string>();
  for (const table of schema.tables) {
    problems.push(...checkTableName(table.tableName, names));
    problems.push(...checkDocumentType(table, table.documentType));
    if (table.stagedDocumentType !== undefined) {
      problems.push(...checkDocumentType(table, table.stagedDocumentType));
    }
    problems.push(...checkIndexes(table, schema.schemaValidation));
    names.add(table.tableName);
  }
  return problems;
}

function checkTableName(tableName: string, earlier: ReadonlySet<string>): readonly SchemaProblem[] {
  if (earlier.has(tableName)) {
    const message = `The schema has two or more definitions of table "${tableName}".`;
    return [{ code: "TableNamesNotUnique", message, tableName }];
  }
  if (tableName.startsWith("_")) {
    const message = `"${tableName}" is a reserved table name: names of system tables start with an underscore.`;
    return [{ code: "TableNameReserved", message, tableName }];
  }
  if (!isIdentifier(tableName)) {
    const message = `Invalid table name: "${tableName}". Identifiers must be 64 characters or less, start with a letter, and only contain letters, digits and underscores.`;
    return [{ code: "InvalidTableName", message, tableName }];
  }
  return [];
}

function checkDocumentType(table: TableJson, type: ValidatorJson): readonly SchemaProblem[] {
  if (type.type === "any") return [];
  return checkMember(table.tableName, type);
}

function checkMember(tableName: string, type: ValidatorJson): readonly SchemaProblem[] {
  if (type.type === "union") return type.value.flatMap((member) => checkMember(tableName, member));
  if (type.type === "object") {
    return Object.entries(type.value)
      .filter(([name, field]) => isReservedField(tableName, name, field.fieldType))
      .map(([name]) => ({
        code: "FieldNameReserved",
        message: `In table "${tableName}" the field "${name}" is reserved: fields of documents may not start with an underscore, except \`_id: v.id("${tableName}")\` and \`_creationTime: v.number()\`.`,
        tableName,
      }));
  }
  const message = `In table "${tableName}" documents must be objects, a union of objects, or v.any(), not v.${type.type}.`;
  return [{ code: "InvalidDocumentType", message, tableName }];
}

function isReservedField(tableName: string, name: string, type: ValidatorJson): boolean {
  if (!name.startsWith("_")) return false;
  if (name === "_id") return type.type !== "id" || type.tableName !== tableName;
  return name !== "_creationTime" || type.type !== "number";
}
