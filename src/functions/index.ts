export type {
  CallTarget,
  FunctionCall,
  FunctionFailure,
  FunctionOutcome,
  FunctionSuccess,
  JobRun,
} from "./call.js";
export { currentExecution } from "./execution/execution.js";
export type { FileStore } from "./execution/file-store.js";
export type { JobQueue, NewJob } from "./execution/job-queue.js";
export type { LogEntry, LogLevel, LogSink } from "./execution/log-buffer.js";
export { outliveLeftovers } from "./execution/outlive-leftovers.js";
export { describeThrown } from "./execution/thrown.js";
export {
  programFromModules,
  type ComponentModules,
  type ComponentProgram,
  type ModuleSource,
  type ProgramSource,
} from "./program/component-program.js";
export type { ExportedAggregate } from "./program/exported-aggregates.js";
export type { Exported, ExportedDeclarations } from "./program/exported-declarations.js";
export type { CronSpec, LoadedComponent } from "./program/loaded-component.js";
export type { LoadedProgram, LoadOptions } from "./program/loaded-program.js";
export {
  isFunctionModule,
  modulesByPath,
  parseFunctionPath,
  type ModuleLoader,
} from "./program/module-path.js";
export { modulesFromDirectory } from "./program/modules-from-directory.js";
export type {
  FunctionKind,
  FunctionSpec,
  FunctionVisibility,
  Handler,
  LoadedFunction,
} from "./program/registered-function.js";
export { Runtime, type RuntimeOptions } from "./runtime.js";
export type {
  Advance,
  AggregateDifference,
  AggregateState,
  AggregateStatus,
  DeclaredTableRename,
  DeclaredTransform,
  DeployMigration,
  DeployMigrationStatus,
  DriftedDocument,
  HandoverStep,
  LastVerified,
  ManagedAggregate,
  VerifyReport,
} from "../seams/index.js";
