export { httpRoutes } from "./push/analyze-component.js";
export type { PushDiff } from "./push/push-diff.js";
export type { SchemaEvaluation } from "./push/schema-evaluation.js";
export type { EnvironmentChange } from "./code/environment-store.js";
export { importSource } from "./code/import-source.js";
export { codeTables } from "./code/program-store.js";
export { readEnvironment } from "./code/environment-store.js";
export { Deployer, type DeployerOptions } from "./deployer.js";
export type { ConfigHashes } from "./push/config-hashes.js";
export {
  MigrationDriver,
  type MigrationStanding,
  type PendingSchemaStatus,
} from "./migrations/migration-driver.js";
export type { StartPushReply } from "./push/start-push-reply.js";
export { invalidRequest, requestReader } from "./request-reader.js";
export {
  examineDocuments,
  type ExaminedComponent,
  type ExamineOptions,
} from "./preparation/examine-documents.js";
export type { SchemaStatus } from "./preparation/schema-status.js";
export type { Schemas } from "./code/program-code.js";
