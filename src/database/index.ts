export type { CellCodec, CellReader, CellWriter } from "../seams/index.js";
export type { CodeNames, Follower, FollowerFailure, Followers } from "./catalog/catalog.js";
export type { DataCheck, DataCheckOptions, DataDifference, DataDifferenceKind } from "./check/types.js";
export { DatabaseCommit, type TouchedTable } from "./commit.js";
export { Database } from "./database.js";
export type {
  DatabaseOptions,
  MutationOutcome,
  QueryOptions,
  QueryOutcome,
  TransactionOptions,
} from "./options.js";
export type { Document, Fields } from "./documents/document.js";
export { valueAt } from "./documents/document.js";
export type {
  DocumentStream,
  Expression,
  Order,
  Page,
  PageOptions,
  Query,
  QueryOperator,
  QuerySource,
  RangeBound,
} from "./query/query.js";
export type { IndexChange, SchemaChange } from "./tables/apply-schema.js";
export type { IndexBuild } from "./background/index-builds.js";
export type { TableCounts } from "./catalog/records.js";
export {
  convexLimits,
  noLimits,
  type Metric,
  type TransactionLimits,
  type TransactionUsage,
} from "./transaction/limits.js";
export { readAll } from "./read-all.js";
export { processorMs } from "./turns.js";
export { ReadSet, type TouchedKeys } from "./transaction/read-set.js";
export type {
  Change,
  ChangeHook,
  CodeLoader,
  DatabaseReader,
  DatabaseWriter,
  DocumentImages,
  HookResolver,
  InsertOptions,
  MutationTransaction,
  QueryTransaction,
  TablePart,
} from "./transaction/types.js";
export { assertNoTransform, shiftedVariable, importShifted } from "./transforms/guarded-globals.js";
export type {
  ApplySchemaOptions,
  PrepareOptions,
  Rehearsal,
  RehearsalComplaint,
  RehearsalFailure,
  RehearsalLoss,
  RehearsalPlan,
  RehearsedTransform,
  SchemaState,
  SettledTransform,
  TransformDefinition,
  TransformFailure,
  TransformFunction,
  TransformRequest,
  TransformResolver,
  TransformStatus,
} from "./transforms/types.js";
export { nextCommit } from "./next-commit.js";
