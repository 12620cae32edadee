/**
 * Checks the indexes of one table: their names, fields and number, and whether the fields that they name can exist. Staged
 * indexes count like the others.
 */
import {
  indexesOf,
  type IndexJson,
  type SearchIndexJson,
  type TableJson,
  type VectorIndexJson,
} from "../schema-json.js";
import { canHoldField, canHoldVector } from "../document-type.js";
import { isFieldPath, isIdentifier } from "./identifiers.js";
import type { SchemaProblem, SchemaProblemCode } from "./problem.js";

const maxIndexes = 64;
const maxFields = 16;
const minDimensions = 2;
const maxDimensions = 4096;
const reservedNames: ReadonlySet<string> = new Set(["by_id", "by_creation_time"]);

/**
 * Everything that is wrong with a table's indexes.
 * @param typesEnforced Whether fields that the document type cannot have are a problem.
 */
export function checkIndexes(table: TableJson, typesEnforced: boolean): readonly SchemaProblem[] {
  const database = [...table.indexes, ...table.stagedDbIndexes];
  const search = [...table.searchIndexes, ...table.stagedSearchIndexes];
  const vector = [...table.vectorIndexes, ...table.stagedVectorIndexes];
  const names = indexesOf(table).map(({ index }) => index.indexDescriptor);
  const check = new IndexCheck(table, typesEnforced);

  if (names.length > maxIndexes) {
    const { tableName } = table;
    check.add("TooManyIndexes", `Table "${tableName}" cannot have more than ${maxIndexes} indexes.`);
  }
  for (const name of repeated(names)) {
    check.add(
      "IndexNamesNotUnique",
      `Table "${table.tableName}" has two or more definitions of index "${name}".`,
    );
  }
  for (const name of names) check.name(name);
  for (const index of database) check.databaseIndex(index);
  check.sameFields(database);
  for (const index of search) check.searchIndex(index);
  check.sameSearch(search);
  for (const index of vector) check.vectorIndex(index);
  check.sameVector(vector);
  return check.problems;
}

class IndexCheck {
  readonly problems: SchemaProblem[] = [];
  readonly #table: TableJson;
  readonly #typesEnforced: boolean;

  constructor(table: TableJson, typesEnforced: boolean) {
    this.#table = table;
    this.#typesEnforced = typesEnforced;
  }

  add(code: SchemaProblemCode, message: string): void {
    this.problems.push({ code, message, tableName: this.#table.tableName });
  }

  name(name: string): void {
    if (name.startsWith("_") || reservedNames.has(name)) {
      this.add(
        "IndexNameReserved",
        `In table "${this.#table.tableName}" cannot name an index "${name}" because the name is reserved. Indexes may not start with an underscore or be named "by_id" or "by_creation_time".`,
      );
    } else if (!isIdentifier(name)) {
      this.add(
        "InvalidIndexName",
        `In table "${this.#table.tableName}": invalid index name "${name}". Identifiers must be 64 characters or less, start with a letter, and only contain letters, digits and underscores.`,
      );
    }
  }

  databaseIndex({ indexDescriptor, fields }: IndexJson): void {
    const index = `In table "${this.#table.tableName}" index "${indexDescriptor}"`;
    if (fields.length === 0) this.add("EmptyIndex", `${index} must have at least one field.`);
    if (fields.length > maxFields) {
      this.add("IndexTooManyFields", `${index} has more than ${maxFields} fields.`);
    }
    for (const field of repeated(fields)) {
      this.add("FieldsNotUniqueWithinIndex", `${index} has the field "${field}" twice.`);
    }
    for (const field of fields) this.field(indexDescriptor, field);
  }

  searchIndex({ indexDescriptor, searchField, filterFields }: SearchIndexJson): void {
    this.filterFields(indexDescriptor, filterFields);
    this.field(indexDescriptor, searchField);
  }

  vectorIndex({ indexDescriptor, vectorField, dimensions, filterFields }: VectorIndexJson): void {
    const index = `In table "${this.#table.tableName}" the vector index "${indexDescriptor}"`;
    if (!Number.isInteger(dimensions) || dimensions < minDimensions || dimensions > maxDimensions) {
      this.add(
        "InvalidVectorDimensions",
        `${index} must have between ${minDimensions} and ${maxDimensions} dimensions, not ${dimensions}.`,
      );
    }
    this.filterFields(indexDescriptor, filterFields);
    this.field(indexDescriptor, vectorField);
    if (this.#typesEnforced && !canHoldVector(this.#table.documentType, vectorField)) {
      this.add(
        "SchemaDefinitionError",
        `${index} is invalid because the field ${vectorField} is neither an array of float64 nor an optional one.`,
      );
    }
  }

  filterFields(name: string, fields: readonly string[]): void {
    if (fields.length > maxFields) {
      this.add(
        "IndexTooManyFilterFields",
        `In table "${this.#table.tableName}" index "${name}" has more than ${maxFields} filter fields.`,
      );
    }
    for (const field of fields) this.field(name, field);
  }

  field(name: string, field: string): void {
    const index = `In table "${this.#table.tableName}" index "${name}"`;
    if (field === "_id") {
      this.add(
        "IndexFieldsContainId",
        `${index}: \`_id\` is not a valid index field. To load documents by ID, use \`db.get(id)\`.`,
      );
    } else if (field === "_creationTime") {
      this.add(
        "IndexFieldsContainCreationTime",
        `${index}: \`_creationTime\` is automatically added to the end of each index. It should not be added explicitly in the index definition.`,
      );
    } else if (field.startsWith("_")) {
      this.add(
        "IndexFieldNameReserved",
        `${index}: reserved fields (starting with \`_\`) are not allowed in indexes.`,
      );
    } else if (!isFieldPath(field)) {
      this.add("InvalidIndexField", `${index}: invalid index field "${field}".`);
    } else if (this.#typesEnforced && !canHoldField(this.#table.documentType, field)) {
      this.add(
        "SchemaDefinitionError",
        `In table "${this.#table.tableName}" the index "${name}" is invalid because it references the field ${field} that does not exist.`,
      );
    }
  }

  sameFields(indexes: readonly IndexJson[]): void {
    for (const [first, second] of alike(indexes, (index) => JSON.stringify(index.fields))) {
      this.add(
        "IndexNotUnique",
        `In table "${this.#table.tableName}" index "${first}" and index "${second}" have the same fields. Indexes must be unique within a table.`,
      );
    }
  }

  sameSearch(indexes: readonly SearchIndexJson[]): void {
    for (const [first, second] of alike(indexes, (index) => index.searchField)) {
      this.add(
        "SearchIndexFieldNotUnique",
        `In table "${this.#table.tableName}" search index "${first}" and search index "${second}" have the same \`searchField\`. Combine them into one index with all \`filterFields\`.`,
      );
    }
  }

  sameVector(indexes: readonly VectorIndexJson[]): void {
    for (const [first, second] of alike(indexes, (index) => index.vectorField)) {
      this.add(
        "VectorIndexFieldNotUnique",
        `In table "${this.#table.tableName}" vector index "${first}" and vector index "${second}" have the same \`vectorField\`. Combine them into one index with all \`filterFields\`.`,
      );
    }
  }
}

function repeated(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name, index) => names.indexOf(name) < index));
}

/** Pairs of the names of indexes that have the same key. */
function alike<Index extends { readonly indexDescriptor: string }>(
  indexes: readonly Index[],
  key: (index: Index) => string,
): readonly (readonly [string, string])[] {
  const seen = new Map<string, string>();
  const pairs: (readonly [string, string])[] = [];
  for (const index of indexes) {
    const first = seen.get(key(index));
    if (first === undefined) seen.set(key(index), index.indexDescriptor);
    else pairs.push([first, index.indexDescriptor]);
  }
  return pairs;
}
