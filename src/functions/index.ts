export type {
  CallTarget,
  EndedCall,
  FunctionCall,
  FunctionFailure,
  FunctionOutcome,
  FunctionSuccess,
  HttpOutcome,
  JobQueue,
  JobRun,
  NewJob,
} from "./call.js";
export { forgetSessions, type ClientRequest } from "./execution/client-answers.js";
export type { TimeLimits } from "./execution/deadlines.js";
export { convexGlobals } from "./execution/convex-global.js";
export { currentExecution, type Execution } from "./execution/execution.js";
export type { LogEntry, LogLevel, LogSink } from "./execution/log-buffer.js";
export { runningCode, type RunningCode, type StalledCall } from "./execution/stalled-calls.js";
export { logStrayFailures } from "./execution/stray-failures.js";
export { describeThrown } from "./execution/thrown.js";
export { readAuthProviders, type AuthProvider } from "./program/auth-providers.js";
export {
  programFromModules,
  type ComponentModules,
  type ComponentProgram,
  type ModuleSource,
  type ProgramSource,
} from "./program/component-program.js";
export type { ExportedAggregate } from "./program/exported-aggregates.js";
export type { Exported, ExportedDeclarations } from "./program/exported-declarations.js";
export type { CronSpec, LoadedComponent, LoadedFunction } from "./program/loaded-component.js";
export type { LoadedProgram, LoadOptions } from "./program/loaded-program.js";
export {
  isFunctionModule,
  modulesByPath,
  modulesFromDirectory,
  parseFunctionPath,
  type ModuleLoader,
} from "./program/modules.js";
export { globalsAsVariables, type ProgramGlobals } from "./program/program-globals.js";
export type {
  FunctionKind,
  FunctionSpec,
  FunctionVisibility,
  Handler,
} from "./program/registered-function.js";
export { Runtime, type RuntimeOptions } from "./runtime.js";
