/**
 * The `ctx` of each kind of function: plain objects with nothing but own properties, because apps spread
 * them to make their own.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { direct, request } from "../../seams/index.js";
import { askFrom } from "../execution/ask.js";
import type { Execution } from "../execution/execution.js";
import { callNested, type NestedOptions } from "../execution/invoke.js";
import type { FunctionKind } from "../program/registered-function.js";
import { Auth, MutationAuth } from "./auth.js";
import { readDatabase, writeDatabase, type WriteDatabase } from "./database.js";
import { ActionMeta, MutationMeta, QueryMeta } from "./meta.js";
import { storageReader, storageWriter } from "./file-storage.js";
import { vectorSearch } from "./not-supported.js";
import { ActionScheduler, MutationScheduler } from "./scheduler.js";
import { searchVectors, type VectorSearch } from "./vector-search.js";

/** How an action calls: each call is a transaction or an action of its own. */
export type CallFromAction = (
  execution: Execution,
  kind: FunctionKind,
  reference: unknown,
  args: unknown,
) => Promise<Value>;

const noOptions: NestedOptions = {};

type RunNested = (reference: unknown, args?: unknown, options?: NestedOptions) => Promise<Value>;

/** `ctx` of a query or a mutation. */
export function transactionContext(execution: Execution): object {
  return execution.subject.kind === "query" ? queryContext(execution) : mutationContext(execution);
}

function queryContext(execution: Execution): object {
  return {
    db: readDatabase(execution),
    auth: new Auth(execution),
    storage: storageReader(execution),
    meta: new QueryMeta(execution),
    runQuery: offering(
      execution,
      "query",
      async (reference: unknown, args?: unknown, options: NestedOptions = noOptions) => {
        if (options.useStaleSnapshot === true) {
          throw new TrueupError(
            "INVALID_CALL",
            "`useStaleSnapshot` is only supported in mutations, not queries.",
          );
        }
        return await callNested(execution, "query", reference, args, options, transactionContext);
      },
    ),
  };
}

/** `ctx` of a mutation; triggers get it too. */
export function mutationContext(execution: Execution): { db: WriteDatabase } & Record<string, unknown> {
  return {
    db: writeDatabase(execution),
    auth: new MutationAuth(execution),
    storage: storageWriter(execution),
    scheduler: new MutationScheduler(execution),
    meta: new MutationMeta(execution),
    runQuery: offering(
      execution,
      "query",
      (reference: unknown, args?: unknown, options: NestedOptions = noOptions) =>
        callInTurn(execution, "query", reference, args, options),
    ),
    runMutation: offering(
      execution,
      "mutation",
      (reference: unknown, args?: unknown, options: NestedOptions = noOptions) =>
        callInTurn(execution, "mutation", reference, args, options),
    ),
  };
}

/** Calls that may be asked at once instead. */
function offering<Call extends RunNested>(
  execution: Execution,
  kind: "query" | "mutation",
  call: Call,
): Call {
  return Object.assign(call, { [direct]: askFrom(execution, kind), [request]: execution.request });
}

async function callInTurn(
  execution: Execution,
  kind: "query" | "mutation",
  reference: unknown,
  args: unknown,
  options: NestedOptions,
): Promise<Value> {
  const entering = execution.turn.enter();
  const entered = typeof entering === "boolean" ? entering : await entering;
  try {
    return await callNested(execution, kind, reference, args, options, transactionContext);
  } finally {
    if (entered) {
      execution.turn.leave();
    }
  }
}

/** `ctx` of an action. */
export function actionContext(execution: Execution, call: CallFromAction): object {
  return {
    runQuery: (reference: unknown, args?: unknown) => call(execution, "query", reference, args),
    runMutation: (reference: unknown, args?: unknown) => call(execution, "mutation", reference, args),
    runAction: (reference: unknown, args?: unknown) => call(execution, "action", reference, args),
    auth: new Auth(execution),
    scheduler: new ActionScheduler(execution),
    storage: storageWriter(execution),
    vectorSearch: execution.engine.searchesByScan
      ? (...args: Parameters<VectorSearch>) => searchVectors(execution, ...args)
      : vectorSearch,
    meta: new ActionMeta(execution),
  };
}
