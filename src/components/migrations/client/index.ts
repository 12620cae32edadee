export type { MigrationArgs, MigrationResult, OnError } from "../protocol.js";
export type {
  CheckStatus,
  FieldDifference,
  MigrationState,
  MigrationStatus,
  QuarantinedDocument,
  Rehearsal,
  RetryResult,
  RunOutcome,
  RunSummary,
  Verification,
} from "../status.js";
export { isNewFormatCursor } from "./cursor.js";
export {
  defaultBatchSize as DEFAULT_BATCH_SIZE,
  type MigrationDefinition,
  type MigrationFunctionReference,
} from "./definition.js";
export { Migrations, type MigrationsOptions, type Tuning } from "./migrations.js";
export type { DeployMigration } from "../../../seams/index.js";
export { runToCompletion, type RunToCompletionOptions } from "./run-to-completion.js";
export type { StartOptions } from "./starter.js";
export {
  waive,
  type TableRename,
  type Transform,
  type TransformDefinition,
  type Waivers,
  type WaiverText,
} from "./transforms.js";
