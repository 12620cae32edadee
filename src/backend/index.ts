export { isTrueupError, TrueupError, type ErrorCode, type ErrorDetails } from "../errors/index.js";
export {
  modulesFromDirectory,
  programFromModules,
  type ComponentModules,
  type ComponentProgram,
  type EndedCall,
  type FunctionCall,
  type FunctionFailure,
  type FunctionOutcome,
  type FunctionSpec,
  type FunctionSuccess,
  type LogEntry,
  type LogLevel,
  type LogSink,
  type ModuleSource,
  type ProgramSource,
  type TimeLimits,
} from "../functions/index.js";
export type {
  AggregateDifference,
  DriftedDocument,
  AggregateState,
  AggregateStatus,
  VerifyReport,
} from "../seams/index.js";
export {
  type Aggregates,
  type AggregateOverview,
  type AggregateDrift,
  type AggregateProgress,
  type VerifyResult,
} from "../integrity/index.js";
export type { Work } from "../scheduler/index.js";
export type { DataCheck, DataDifference, DataDifferenceKind } from "../database/index.js";
export { memory, type MemoryOptions } from "../storage/memory/index.js";
export { postgres, type PostgresOptions } from "../storage/postgres/index.js";
export { sqlite, type SqliteOptions } from "../storage/sqlite/index.js";
export type { OpenStorage, StorageCheck, StorageDamage } from "../storage/storage.js";
export { dataPlace, isPostgresAddress } from "./data-place.js";
export type { AdminKey, AdminKeys } from "./admin-keys.js";
export {
  Backend,
  type CallArguments,
  type CallOptions,
  type ScheduledWork,
  type SchemaChanges,
} from "./backend.js";
export type { BackendFigures } from "./figures.js";
export type { CheckOptions, CheckProgress, CheckReport } from "./check.js";
export { checkFile, checkShared, type FileCheckOptions, type FileCheckReport } from "./check-file.js";
export type { RunningServer, ServerLimits, ServerOptions } from "./listening.js";
export { openBackend, type OpenBackendOptions } from "./open-backend.js";
export { sharedStorage, type SharedStorage } from "./storage-address.js";
