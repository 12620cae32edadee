/**
 * Aggregates: counts, exact sums, ranks and extremes of a table's documents, or of any sorted items.
 * @module trueup/aggregate
 */
export { Aggregate } from "./aggregate.js";
export type { Statistics } from "./aggregate-statistics.js";
export { DirectAggregate, type AggregateOperation, type DirectAggregateType } from "./direct-aggregate.js";
export {
  TableAggregate,
  type TableAggregateOperation,
  type TableAggregateOptions,
  type TableAggregateType,
} from "./table-aggregate.js";
export { managedAggregate } from "../../../seams/index.js";
export type { ManagedOperations } from "./managed/cloud-operations.js";
export type { TableVerification, VerificationOperations, VerificationStep } from "./verification/index.js";
export type { Interval } from "./managed/managed.js";
export type {
  Advance,
  AggregateState,
  AggregateStatus,
  DifferenceKind,
  ManagedAggregate,
  VerifyReport,
} from "../../../seams/index.js";
export type { Change } from "../../../triggers/index.js";
export type {
  ActionCtx,
  AggregateOptions,
  Bound,
  Bounds,
  Item,
  Key,
  MutationCtx,
  NamespacedArgs,
  NamespacedOpts,
  NamespacedOptsBatch,
  NamespaceSet,
  QueryCtx,
  Trigger,
  WhileBuilding,
} from "./types.js";
