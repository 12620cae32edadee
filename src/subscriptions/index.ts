export { LiveQueries, type LiveQuerySet, type RunQuery, type Settled } from "./live-queries.js";
export type { QueryRun } from "./live-query.js";
