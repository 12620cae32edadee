export type { RunSummary } from "../component/history.js";
export type { MigrationArgs, MigrationResult, MigrationState, MigrationStatus } from "../protocol.js";
export { isNewFormatCursor } from "./cursor.js";
export {
  DEFAULT_BATCH_SIZE,
  type MigrationDefinition,
  type MigrationFunctionReference,
} from "./definition.js";
export { Migrations, type MigrationsOptions } from "./migrations.js";
export type { Rehearsal } from "./rehearsal.js";
export { runToCompletion, type RunToCompletionOptions } from "./run-to-completion.js";
export type { StartOptions } from "./starter.js";
