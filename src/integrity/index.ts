export { AggregateCalls, buildAll } from "./aggregate-calls.js";
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
export { leaveOff, StandbyBuild, type StandbyProgress } from "./standby-build.js";
