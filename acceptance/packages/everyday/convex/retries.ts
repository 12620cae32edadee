/** `@convex-dev/action-retrier` as its README uses it: an action that fails at first, and what is told at the end. */
import { ActionRetrier, runIdValidator, runResultValidator, type RunId } from "@convex-dev/action-retrier";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalAction, internalMutation, mutation } from "./_generated/server";
import { note } from "./log";

const retrier = new ActionRetrier(components.actionRetrier, {
  initialBackoffMs: 20,
  base: 2,
  maxFailures: 3,
});

export const start = mutation({
  args: { name: v.string(), failures: v.number() },
  handler: (ctx, args): Promise<RunId> =>
    retrier.run(ctx, internal.retries.mightFail, args, { onComplete: internal.retries.ended }),
});

export const mightFail = internalAction({
  args: { name: v.string(), failures: v.number() },
  handler: async (ctx, { name, failures }): Promise<number> => {
    const attempts = await ctx.runMutation(internal.log.attempt, { topic: "retries", text: name });
    if (attempts <= failures) throw new Error("The service is down.");
    return attempts;
  },
});

export const ended = internalMutation({
  args: { runId: runIdValidator, result: runResultValidator },
  handler: async (ctx, { result }) => {
    await note(
      ctx,
      "retried",
      result.type === "success" ? `success after ${result.returnValue}` : result.type,
    );
  },
});

export const startAndCancel = mutation({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    const id = await retrier.run(
      ctx,
      internal.retries.mightFail,
      { name, failures: 0 },
      { onComplete: internal.retries.ended },
    );
    await retrier.cancel(ctx, id);
  },
});
