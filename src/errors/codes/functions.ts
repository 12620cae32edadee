/** Error codes of calling functions and of what `ctx` gives them, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const functionsCodes = {
  AGGREGATE_COMPONENT_SHARED: final(
    "Two different aggregates are kept in one component, and at least one of them is managed.",
    "Mount the component once more in convex.config.ts, under another name, and give each aggregate its own.",
  ),
  AGGREGATE_TABLE_MISSING: final(
    "An aggregate names a table that the schema does not have.",
    "Check the spelling of `table`, or define the table in schema.ts.",
  ),
  ANSWER_NOT_KEPT: final(
    "The mutation has run, and what it returned was too large to be kept for a client that asks again.",
    "Query what it has written; return less than 64 kB from mutations whose answers matter.",
  ),
  COMPONENT_MISSING: final(
    "There is no such component.",
    "Mount it in convex.config.ts, and pass its modules in `components` when the program comes from modules.",
  ),
  FEATURE_NOT_SUPPORTED: final(
    "Trueup does not have this feature of Convex.",
    "See docs/compatibility.md for what it has.",
  ),
  FUNCTION_NOT_FOUND: final(
    "There is no such function.",
    "Check the spelling, and that the module exports it as a query, mutation or action.",
  ),
  FUNCTION_NOT_PUBLIC: final(
    "The function is internal and was called from outside.",
    "Call it from another function or with the admin key, or define it with query, mutation or action.",
  ),
  FUNCTION_OVER: final(
    "The function has already returned.",
    "Await every promise that ctx returns before the function returns.",
  ),
  FUNCTION_TIMEOUT: final(
    "The function has run for too long, and was ended; a mutation has written nothing.",
    "Do less in one call, or do it in an action; `timeLimits` of openBackend lifts the limit.",
  ),
  FUNCTION_WRONG_KIND: final(
    "The function has another kind than the call.",
    "Call queries with runQuery, mutations with runMutation and actions with runAction.",
  ),
  INVALID_ARGUMENTS: final(
    "The arguments do not fit the function's validator.",
    "Pass what `args` of the function declares.",
  ),
  INVALID_CALL: final(
    "A method of ctx was called in a way it does not support.",
    "See the message for what it takes.",
  ),
  INVALID_RETURN: final(
    "The returned value does not fit the function's validator.",
    "Return what `returns` of the function declares.",
  ),
  MODULE_FAILED: final(
    "A module of functions threw while it was imported.",
    "Mend the module; the cause of this error is the error of the module.",
  ),
  NESTED_TOO_DEEP: final(
    "Functions call each other too deeply.",
    "Share code as plain helper functions instead of runQuery and runMutation.",
  ),
  PAGINATED_TWICE: final(
    "A function may paginate only one query.",
    "Split it into two functions, or use the paginator of convex-helpers.",
  ),
  QUERY_NOT_UNIQUE: final("unique() found more than one document.", "Use first(), or narrow the query."),
  QUERY_USED_TWICE: final(
    "A query object was used a second time.",
    "Build a new query with ctx.db.query for each use.",
  ),
  TRIGGERS_TOO_DEEP: final(
    "Triggers set each other off without end.",
    "Write in a trigger only when there is something to change.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
