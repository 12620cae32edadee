export { JobTable } from "./job-table.js";
export { Scheduler, type SchedulerFailure, type SchedulerOptions } from "./scheduler.js";
export type { Work } from "./work-by-origin.js";
