/**
 * From a schema as an app or a deploy brings it to the JSON that the rest of the room works on, checked
 * and complete: lists that older exports leave out are there, empty.
 */
import type { GenericSchema, SchemaDefinition } from "convex/server";
import type { IndexJson, SchemaJson, SearchIndexJson, TableJson, VectorIndexJson } from "../schema-json.js";
import { checkDefinition } from "./check-definition.js";
import { isJsonObject, parseText, ValidatorReader } from "./parse-validator.js";
import { invalidSchema, type SchemaProblem } from "./problem.js";

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
