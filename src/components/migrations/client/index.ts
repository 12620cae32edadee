/**
 * Migrations of stored documents: defined in the app, run in batches beside live traffic, or applied by a deploy.
 * @module trueup/migrations
 */
export type { DeployMigration } from "../../../seams/index.js";
export type { MigrationArgs, MigrationResult, OnError, Tuning } from "../component/protocol.js";
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
} from "../component/status.js";
export {
  waive,
  type TableRename,
  type Transform,
  type TransformDefinition,
  type Waivers,
  type WaiverText,
} from "./declarations.js";
export {
  defaultBatchSize as DEFAULT_BATCH_SIZE,
  type MigrationDefinition,
  type MigrationFunctionReference,
} from "./definition.js";
export { Migrations, type MigrationsOptions } from "./migrations.js";
export { isNewFormatCursor } from "./range/cursor.js";
export { runToCompletion, type RunToCompletionOptions, type StartOptions } from "./starter.js";
