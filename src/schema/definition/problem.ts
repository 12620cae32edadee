/**
 * The problems that a schema's definition can have. The codes are those of Convex where it has one, so that what people and
 * tools know of them holds here too.
 */
import { TrueupError } from "../../errors/index.js";

/** What is refused, by the code of the problem. */
export const schemaProblems = {
  EmptyIndex: "An index without fields.",
  FieldNameReserved: "A document's own field that begins with an underscore.",
  FieldsNotUniqueWithinIndex: "An index that names a field twice.",
  IndexFieldNameReserved: "An index on a field that begins with an underscore.",
  IndexFieldsContainCreationTime: "An index that names `_creationTime`; every index ends with it anyway.",
  IndexFieldsContainId: "An index that names `_id`; `db.get` finds documents by id.",
  IndexNameReserved: "An index called `by_id` or `by_creation_time`, or beginning with an underscore.",
  IndexNamesNotUnique: "Two indexes of one table, of any kind, with the same name.",
  IndexNotUnique: "Two indexes of one table with the same fields.",
  IndexTooManyFields: "An index of more than 16 fields.",
  IndexTooManyFilterFields: "A search or vector index with more than 16 filter fields.",
  InvalidDocumentType: "A table whose documents are not objects, a union of objects, or `v.any()`.",
  InvalidFieldName:
    "A declared field with other characters than letters, digits and underscores, or a digit first.",
  InvalidIndexField: "An index field that is no path of field names.",
  InvalidIndexName: "An index name that is no identifier of at most 64 characters.",
  InvalidRecordKeys: "A record whose keys are not `v.string()`, `v.id()` or a union of these.",
  InvalidTableName: "A table name, also inside `v.id()`, that is no identifier of at most 64 characters.",
  InvalidVectorDimensions: "A vector index of fewer than 2 or more than 4096 dimensions.",
  MalformedSchema: "JSON that is not the JSON of a schema or validator.",
  SchemaDefinitionError:
    "An index on a field that no document can have, or a vector index on one that is no array of numbers.",
  SearchIndexFieldNotUnique: "Two search indexes of one table on the same field.",
  TableNameReserved: "A table name that begins with an underscore.",
  TableNamesNotUnique: "Two tables with the same name.",
  TooManyFields: "An object type of more than 1024 fields.",
  TooManyIndexes: "A table with more than 64 indexes.",
  TooManyTables: "More than 10,000 tables.",
  VectorIndexFieldNotUnique: "Two vector indexes of one table on the same field.",
} as const;

/** The name of a kind of problem. */
export type SchemaProblemCode = keyof typeof schemaProblems;

/** One thing that is wrong with a schema. */
export interface SchemaProblem {
  readonly code: SchemaProblemCode;
  /** A sentence that names the table, the index and the field concerned. */
  readonly message: string;
  readonly tableName?: string;
}

/** The error for a list of problems. Its details carry all of them, its message lists them. */
export function invalidSchema(problems: readonly SchemaProblem[]): TrueupError {
  const list = problems.map((problem) => `${problem.code}: ${problem.message}`);
  return new TrueupError("INVALID_SCHEMA", `The schema is invalid.\n${list.join("\n")}`, {
    problems,
  });
}
