/**
 * What is wrong with a schema's definition. Codes are those of Convex where it has one, so that what
 * people and tools know of them holds here too.
 */
import { TrueupError } from "../../errors/index.js";

export type SchemaProblemCode =
  | "EmptyIndex"
  | "FieldNameReserved"
  | "FieldsNotUniqueWithinIndex"
  | "IndexFieldNameReserved"
  | "IndexFieldsContainCreationTime"
  | "IndexFieldsContainId"
  | "IndexNameReserved"
  | "IndexNamesNotUnique"
  | "IndexNotUnique"
  | "IndexTooManyFields"
  | "IndexTooManyFilterFields"
  | "InvalidDocumentType"
  | "InvalidFieldName"
  | "InvalidIndexField"
  | "InvalidIndexName"
  | "InvalidRecordKeys"
  | "InvalidTableName"
  | "InvalidVectorDimensions"
  | "MalformedSchema"
  | "SchemaDefinitionError"
  | "SearchIndexFieldNotUnique"
  | "TableNameReserved"
  | "TableNamesNotUnique"
  | "TooManyFields"
  | "TooManyIndexes"
  | "TooManyTables"
  | "VectorIndexFieldNotUnique";

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
