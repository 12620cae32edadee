export { accepts, include, type Inclusion } from "./subtyping/accepts.js";
export { diffSchemas, noSchema } from "./changes/diff-schemas.js";
export {
  applyRenames,
  composeFieldRenames,
  inverseRename,
  parseRenames,
  withRenamedField,
  type FieldRename,
  type FieldRenames,
  type RenamedSchema,
  type SchemaRenames,
} from "./changes/renames.js";
export {
  rules,
  waivers,
  type Classification,
  type Rule,
  type RuleName,
  type Waiver,
  type WaiverName,
} from "./changes/rules.js";
export { rewriteType } from "./changes/rewrite-type.js";
export { changeTarget, type SchemaChange } from "./changes/schema-change.js";
export {
  isFieldWaived,
  parseWaivers,
  type FieldPlace,
  waiverText,
  type GivenWaiver,
} from "./changes/waivers.js";
export { parseSchema, type SchemaSource } from "./definition/parse-schema.js";
export { parseValidator } from "./definition/parse-validator.js";
export type { SchemaProblem, SchemaProblemCode } from "./definition/problem.js";
export type { PlannedChange } from "./plan/assess-change.js";
export {
  migrationModule,
  waiverModule,
  type MigrationForm,
  type MigrationStub,
} from "./plan/migration-source.js";
export { exitCodeOf, planSchema, type PlanInput, type SchemaPlan } from "./plan/plan-schema.js";
export type { PlanStep } from "./plan/plan-steps.js";
export { planText, verdictLine, type PlanStyle, type PlanTextOptions } from "./plan/plan-text.js";
export {
  ViolationTally,
  type TableData,
  type ViolationCount,
  type ViolationSample,
} from "./plan/violation-tally.js";
export { widenSchema } from "./plan/widen-schema.js";
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
export { schemaSource } from "./source/schema-source.js";
export { validatorSource } from "./source/schema-source.js";
export type { CheckContext } from "./validation/compile-fits.js";
export { checkDocument, compileTable, type CompiledTable } from "./validation/compiled-checks.js";
export {
  checkedValueOf,
  checkValue,
  compileValidator,
  type CheckedValue,
  type CompiledValidator,
} from "./validation/compiled-checks.js";
export {
  describeRefusedWrite,
  describeStoredDocument,
  describeViolation,
  describeViolations,
} from "./validation/violation.js";
export { violationGroup, type Violation, type ViolationKind } from "./validation/violation.js";
