export type { PushDiff } from "./changes/push-diff.js";
export type { SchemaEvaluation } from "./changes/schema-evaluation.js";
export type { EnvironmentChange } from "./code/environment-store.js";
export { importSource, sourceUrl } from "./code/import-source.js";
export { readEnvironment } from "./code/environment-store.js";
export { Deployer, type ConfigHashes, type DeployerOptions } from "./deployer.js";
export type { StartPushReply } from "./push/start-push-reply.js";
export { JsonReader } from "./request/json-reader.js";
export type { SchemaStatus } from "./schema/schema-preparation.js";
