export { LiveQueries, type RunQuery } from "./live-queries.js";
export type { QueryRun } from "./live-query.js";
export type { LiveQuerySet, Settled } from "./live-query-set.js";
