export { JobTable, type Job, type JobChange } from "./job-table.js";
export { JobRunner, type SchedulerFailure } from "./run-job.js";
export { Scheduler, type JobFigures, type SchedulerOptions } from "./scheduler.js";
export type { Work } from "./work-by-origin.js";
