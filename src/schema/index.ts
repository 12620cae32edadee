export { parseSchema, type SchemaSource } from "./definition/parse-schema.js";
export { parseValidator } from "./definition/parse-validator.js";
export type { SchemaProblem, SchemaProblemCode } from "./definition/problem.js";
export {
  findTable,
  type IndexJson,
  type ObjectFieldJson,
  type SchemaJson,
  type SearchIndexJson,
  type TableJson,
  type ValidatorJson,
  type VectorIndexJson,
} from "./schema-json.js";
export type { CheckContext } from "./validation/check-context.js";
export { checkDocument, compileTable, type CompiledTable } from "./validation/compile-table.js";
export { checkValue, compileValidator, type CompiledValidator } from "./validation/compile-validator.js";
export {
  describeRefusedWrite,
  describeStoredDocument,
  describeViolation,
  describeViolations,
} from "./validation/describe-violation.js";
export { violationGroup, type Violation, type ViolationKind } from "./validation/violation.js";
