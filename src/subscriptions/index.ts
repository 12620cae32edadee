export { LiveQueries, type RunQuery } from "./live-queries.js";
export { LiveQuerySet, type Settled } from "./live-query-set.js";
export type { QueryRun } from "./live-query.js";
