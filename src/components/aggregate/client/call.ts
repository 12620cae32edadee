/**
 * One call of a component from any context. Trueup's `ctx.runQuery` and `ctx.runMutation` offer to ask the component within
 * the same transaction, in the same turn and without a call; where they do not, or the component cannot answer so, the call is
 * made.
 */
import { ConvexError } from "convex/values";
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import { asking } from "../../../seams/index.js";
import type { ReadCtx, WriteCtx } from "./types.js";

type Query = FunctionReference<"query", "internal" | "public">;

type Mutation = FunctionReference<"mutation", "internal" | "public">;

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
  const answer = askedOf<Q>(ctx.runQuery, query, args);
  return answer === undefined ? ctx.runQuery(query, args) : answer;
}

/** Runs a mutation. @throws AGGREGATE_WRITE_IN_QUERY */
export function runMutation<M extends Mutation>(
  ctx: Pick<WriteCtx, "runMutation">,
  mutation: M,
  args: FunctionArgs<M>,
): FunctionReturnType<M> | Promise<FunctionReturnType<M>> {
  assertWritable(ctx);
  const answer = askedOf<M>(ctx.runMutation, mutation, args);
  return answer === undefined ? ctx.runMutation(mutation, args) : answer;
}

/** Refuses the `ctx` of a query, which only a caller who went round the types can pass. @throws AGGREGATE_WRITE_IN_QUERY */
export function assertWritable(ctx: Partial<Pick<WriteCtx, "runMutation">>): void {
  if (typeof ctx.runMutation === "function") return;
  const message =
    "A query cannot write to an aggregate: its ctx has no runMutation. Write from a mutation or an action.";
  throw new ConvexError({ code: "AGGREGATE_WRITE_IN_QUERY", message });
}

/** Undefined when the call has to be made. */
function askedOf<F extends Query | Mutation>(
  run: object,
  reference: F,
  args: FunctionArgs<F>,
): FunctionReturnType<F> | undefined {
  const ask: unknown = Reflect.get(run, asking);
  return typeof ask === "function" ? ask(reference, args) : undefined;
}

async function runStale<Q extends Query>(
  ctx: ReadCtx,
  query: Q,
  args: FunctionArgs<Q>,
): Promise<FunctionReturnType<Q>> {
  const isMutation = (await ctx.meta.getFunctionMetadata()).type === "mutation";
  return isMutation ? ctx.runQuery(query, args, { useStaleSnapshot: true }) : ctx.runQuery(query, args);
}
