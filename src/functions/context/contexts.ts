/**
 * Makes the `ctx` of each kind of function: a plain object with nothing but own properties, because apps spread it to
 * make their own.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { nearestVectors, vectorIndexOf, type VectorMatch, type VectorQuery } from "../../search/index.js";
import { asking, request } from "../../seams/index.js";
import { askFrom } from "../execution/ask.js";
import type { Execution } from "../execution/execution.js";
import { callNested, nestedOptions } from "../execution/invoke.js";
import type { FunctionKind } from "../program/registered-function.js";
import { authOf, signJwt } from "./auth.js";
import { readDatabase, writeDatabase, type WriteDatabase } from "./database.js";
import { ActionMeta, MutationMeta, QueryMeta } from "./meta.js";
import { storageReader, storageWriter } from "./file-storage.js";
import { notSupported, requireArgument } from "./refused-calls.js";
import { Scheduler } from "./scheduler.js";

/** Makes a call of an action. Each call is a transaction or an action of its own. */
export type CallFromAction = (
  execution: Execution,
  kind: FunctionKind,
  reference: unknown,
  args: unknown,
) => Promise<Value>;

type RunNested = (reference: unknown, args?: unknown, options?: unknown) => Promise<Value>;

/** `ctx` of a query or a mutation. */
export function transactionContext(execution: Execution): object {
  return execution.subject.kind === "query" ? queryContext(execution) : mutationContext(execution);
}

function queryContext(execution: Execution): object {
  return {
    db: readDatabase(execution),
    auth: authOf(execution),
    storage: storageReader(execution),
    meta: new QueryMeta(execution),
    runQuery: offering(execution, "query", async (reference: unknown, args?: unknown, given?: unknown) => {
      const options = nestedOptions(given);
      if (options.useStaleSnapshot === true) {
        throw new TrueupError(
          "INVALID_CALL",
          "`useStaleSnapshot` is only supported in mutations, not queries.",
        );
      }
      return await callNested(execution, "query", reference, args, options, transactionContext);
    }),
  };
}

/** `ctx` of a mutation and of triggers. */
export function mutationContext(execution: Execution): { db: WriteDatabase } & Record<string, unknown> {
  return {
    db: writeDatabase(execution),
    auth: { ...authOf(execution), signJwt },
    storage: storageWriter(execution),
    scheduler: new Scheduler(execution),
    meta: new MutationMeta(execution),
    runQuery: offering(execution, "query", (reference: unknown, args?: unknown, options?: unknown) =>
      callInTurn(execution, "query", reference, args, options),
    ),
    runMutation: offering(execution, "mutation", (reference: unknown, args?: unknown, options?: unknown) =>
      callInTurn(execution, "mutation", reference, args, options),
    ),
  };
}

/** The call, with the offer to ask the component instead of calling it, and with the name of the request that it is a part of. */
function offering<Call extends RunNested>(
  execution: Execution,
  kind: "query" | "mutation",
  call: Call,
): Call {
  return Object.assign(call, { [asking]: askFrom(execution, kind), [request]: execution.request });
}

async function callInTurn(
  execution: Execution,
  kind: "query" | "mutation",
  reference: unknown,
  args: unknown,
  given: unknown,
): Promise<Value> {
  const options = nestedOptions(given);
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
    auth: authOf(execution),
    scheduler: new Scheduler(execution),
    storage: storageWriter(execution),
    vectorSearch: (tableName: string, indexName: string, query: VectorQuery) =>
      vectorSearch(execution, tableName, indexName, query),
    meta: new ActionMeta(execution),
  };
}

/** `ctx.vectorSearch`, in a snapshot of its own. @throws FEATURE_NOT_SUPPORTED, INVALID_CALL, INDEX_NOT_FOUND */
async function vectorSearch(
  { engine, component }: Execution,
  tableName: string,
  indexName: string,
  query: VectorQuery,
): Promise<VectorMatch[]> {
  if (!engine.searchesByScan) throw notSupported("Vector search");
  requireArgument(tableName, 1, "vectorSearch", "tableName");
  requireArgument(indexName, 2, "vectorSearch", "indexName");
  requireArgument(query, 3, "vectorSearch", "query");
  const index = vectorIndexOf(component.program.schema, tableName, indexName);
  const { value } = await engine.database.query(
    (tx) => nearestVectors(tx.component(component.path), tableName, index, query),
    { limits: null },
  );
  return value;
}
