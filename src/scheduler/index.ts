export type { Job } from "./job-document.js";
export { JobTable, type JobChange } from "./job-table.js";
export { JobRunner } from "./run-job.js";
export { Scheduler, type SchedulerFailure, type SchedulerOptions } from "./scheduler.js";
export type { Work } from "./work-by-origin.js";
