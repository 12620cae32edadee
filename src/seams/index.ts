export {
  handoverBrand,
  migrationBrand,
  transformBrand,
  waiverBrand,
  type DeclaredHandover,
  type DeclaredTableRename,
  type DeclaredTransform,
  type DeclaredWaivers,
  type DeployMigration,
  type DeployMigrationStatus,
  type HandoverOptions,
  type HandoverStep,
} from "./deploy-declarations.js";
export {
  differenceKinds,
  managedAggregate,
  type Advance,
  type AggregateDifference,
  type AggregateState,
  type AggregateStatus,
  type BeginOptions,
  type BuildProgress,
  type DifferenceKind,
  type DriftedDocument,
  type LastVerified,
  type ManagedAggregate,
  type StartVerifyOptions,
  type VerifyReport,
} from "./managed-aggregate.js";
export {
  nativeStore,
  nativeStoreOf,
  type CellCodec,
  type CellReader,
  type CellWriter,
  type NativeStore,
} from "./native-store.js";
export { asking, request, runningFunction, type RunningFunction } from "./running-call.js";
export { nativeTriggers, triggersBrand, type TableWrite, type TriggerFunction } from "./triggers.js";
