/**
 * Everything that Convex refuses in a schema's definition, found all at once: a schema that passes
 * here can be deployed there.
 */
import type { SchemaJson, TableJson, ValidatorJson } from "../schema-json.js";
import { checkIndexes } from "./check-indexes.js";
import { isIdentifier } from "./identifiers.js";
import type { SchemaProblem } from "./problem.js";

const maxTables = 10_000;

/** All problems of a well-formed schema, tables in order; none when it may be used. */
export function checkDefinition(schema: SchemaJson): readonly SchemaProblem[] {
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
