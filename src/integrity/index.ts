export { trustThrough } from "./aggregate-records.js";
export { AggregateDriver, type DriverOptions } from "./aggregate-driver.js";
export {
  Aggregates,
  verifyResult,
  type AggregateOverview,
  type AggregateDrift,
  type AggregateProgress,
  type VerifyResult,
} from "./aggregates.js";
export { buildAtOnce } from "./build-at-once.js";
export { StandbyBuild, type StandbyProgress } from "./standby-build.js";
