/**
 * One call of a component's query from any context. Trueup's `ctx.runQuery` offers to ask the component within the same
 * transaction, at once and without a call in between; where it does not, or the component cannot answer at once, the call
 * is made.
 */
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import type { ReadCtx } from "./types.js";

const direct = Symbol.for("trueup.direct");

type Query = FunctionReference<"query", "internal" | "public">;

/** The answer, or a promise of it. */
export type Answer<Q extends Query> = FunctionReturnType<Q> | Promise<FunctionReturnType<Q>>;

/** Runs a query; a stale one, in a mutation, from a snapshot that no write conflicts with. */
export function runQuery<Q extends Query>(
  ctx: ReadCtx,
  query: Q,
  args: FunctionArgs<Q>,
  stale: boolean | undefined,
): Answer<Q> {
  if (stale === true) return runStale(ctx, query, args);
  const ask: unknown = Reflect.get(ctx.runQuery, direct);
  if (typeof ask === "function") {
    const answer: FunctionReturnType<Q> | undefined = ask(query, args);
    if (answer !== undefined) return answer;
  }
  return ctx.runQuery(query, args);
}

async function runStale<Q extends Query>(
  ctx: ReadCtx,
  query: Q,
  args: FunctionArgs<Q>,
): Promise<FunctionReturnType<Q>> {
  const isMutation = (await ctx.meta.getFunctionMetadata()).type === "mutation";
  return isMutation ? ctx.runQuery(query, args, { useStaleSnapshot: true }) : ctx.runQuery(query, args);
}
