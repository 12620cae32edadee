/**
 * The `ctx` of each kind of function: plain objects with nothing but own properties, because apps spread
 * them to make their own.
 */
import type { UserIdentity } from "convex/server";
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import type { Execution } from "../execution/execution.js";
import { callNested, type NestedOptions } from "../execution/invoke.js";
import { readDatabase } from "./database-reader.js";
import { writeDatabase, type WriteDatabase } from "./database-writer.js";
import { metaOf } from "./meta.js";
import { fileStorage, signJwt, vectorSearch } from "./not-supported.js";
import { actionScheduler, mutationScheduler } from "./scheduler.js";

/** Calls another function: by reference, with arguments. */
type Call = (reference: unknown, args?: unknown, options?: NestedOptions) => Promise<Value>;

/** How an action calls: each call is a transaction or an action of its own. */
export type CallFromAction = (
  execution: Execution,
  kind: Execution["subject"]["kind"],
  reference: unknown,
  args: unknown,
) => Promise<Value>;

/** `ctx` of a query or a mutation. */
export function transactionContext(execution: Execution): object {
  return execution.subject.kind === "query" ? queryContext(execution) : mutationContext(execution);
}

function queryContext(execution: Execution): object {
  const runQuery: Call = async (reference, args, options = {}) => {
    if (options.useStaleSnapshot === true) {
      throw new TrueupError(
        "INVALID_CALL",
        "`useStaleSnapshot` is only supported in mutations, not queries.",
      );
    }
    return await callNested(execution, "query", reference, args, options, transactionContext);
  };
  return {
    db: readDatabase(execution),
    auth: { getUserIdentity: () => identityOf(execution) },
    storage: fileStorage,
    meta: metaOf(execution),
    runQuery,
  };
}

/** `ctx` of a mutation; triggers get it too. */
export function mutationContext(execution: Execution): { db: WriteDatabase } & Record<string, unknown> {
  const call =
    (kind: "query" | "mutation"): Call =>
    (reference, args, options = {}) =>
      execution.turn.take(() =>
        callNested(execution, kind, reference, args, options, transactionContext),
      );
  return {
    db: writeDatabase(execution),
    auth: { getUserIdentity: () => identityOf(execution), signJwt },
    storage: fileStorage,
    scheduler: mutationScheduler(execution),
    meta: metaOf(execution),
    runQuery: call("query"),
    runMutation: call("mutation"),
  };
}

/** `ctx` of an action. */
export function actionContext(execution: Execution, call: CallFromAction): object {
  return {
    runQuery: (reference: unknown, args?: unknown) => call(execution, "query", reference, args),
    runMutation: (reference: unknown, args?: unknown) => call(execution, "mutation", reference, args),
    runAction: (reference: unknown, args?: unknown) => call(execution, "action", reference, args),
    auth: { getUserIdentity: () => identityOf(execution) },
    scheduler: actionScheduler(execution),
    storage: fileStorage,
    vectorSearch,
    meta: metaOf(execution),
  };
}

/** Who called, as the app sees it; components are not told. */
export function identityOf(execution: Execution): Promise<UserIdentity | null> {
  const { component, request } = execution;
  return Promise.resolve(component.path === "" ? request.identity : null);
}
