/** One call of a component's query from any context. */
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import type { ReadCtx } from "./types.js";

/** Runs a query; a stale one, in a mutation, from a snapshot that no write conflicts with. */
export async function runQuery<Query extends FunctionReference<"query", "internal" | "public">>(
  ctx: ReadCtx,
  query: Query,
  args: FunctionArgs<Query>,
  stale: boolean | undefined,
): Promise<FunctionReturnType<Query>> {
  if (stale === true && (await isMutation(ctx))) {
    return ctx.runQuery(query, args, { useStaleSnapshot: true });
  }
  return ctx.runQuery(query, args);
}

async function isMutation(ctx: ReadCtx): Promise<boolean> {
  return (await ctx.meta.getFunctionMetadata()).type === "mutation";
}
