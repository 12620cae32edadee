/** `@convex-dev/workpool` as its README uses it: jobs with retries, callbacks and contexts, a counter that is not contended. */
import {
  NonRetryableError,
  vOnCompleteArgs,
  vWorkIdValidator,
  Workpool,
  type WorkId,
} from "@convex-dev/workpool";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalAction, internalMutation, mutation, query } from "./_generated/server";
import { note } from "./log";

const scrapePool = new Workpool(components.scrapeWorkpool, {
  maxParallelism: 3,
  defaultRetryBehavior: { maxAttempts: 3, initialBackoffMs: 20, base: 2 },
});
const counterPool = new Workpool(components.counterWorkpool, { maxParallelism: 1 });

export const downloadLatestWeather = mutation({
  args: { cities: v.array(v.string()) },
  handler: async (ctx, { cities }) => {
    for (const city of cities) {
      await scrapePool.enqueueAction(
        ctx,
        internal.jobs.scrape,
        { city },
        {
          onComplete: internal.jobs.scraped,
          context: { city },
          retry: true,
        },
      );
    }
  },
});

/** Fails at first, so that it is tried again. */
export const scrape = internalAction({
  args: { city: v.string() },
  returns: v.string(),
  handler: async (ctx, { city }) => {
    if (city === "Atlantis") throw new NonRetryableError("There is no such city.");
    const attempts = await ctx.runMutation(internal.log.attempt, { topic: "attempts", text: city });
    if (attempts < 2) throw new Error("try again");
    return `sunny in ${city}`;
  },
});

export const scraped = internalMutation({
  args: vOnCompleteArgs(v.object({ city: v.string() })),
  handler: async (ctx, { context: { city }, result }) => {
    if (result.kind === "success") await note(ctx, "weather", `${city}: ${result.returnValue}`);
    else await note(ctx, result.kind, city);
  },
});

export const countUp = mutation({
  args: { times: v.number(), runAfter: v.optional(v.number()) },
  handler: async (ctx, { times, runAfter = 0 }) => {
    await counterPool.enqueueMutationBatch(ctx, internal.jobs.increment, Array(times).fill({}), { runAfter });
  },
});

export const increment = internalMutation({
  args: {},
  handler: async (ctx) => {
    const counted = await ctx.db
      .query("log")
      .withIndex("by_topic", (q) => q.eq("topic", "counter"))
      .collect();
    await note(ctx, "counter", String(counted.length));
  },
});

export const later = mutation({
  args: {},
  handler: (ctx): Promise<WorkId> =>
    scrapePool.enqueueAction(
      ctx,
      internal.jobs.scrape,
      { city: "Later" },
      {
        runAfter: 3_600_000,
        onComplete: internal.jobs.scraped,
        context: { city: "Later" },
      },
    ),
});

export const cancel = mutation({
  args: { id: vWorkIdValidator },
  handler: (ctx, { id }) => scrapePool.cancel(ctx, id),
});

export const status = query({
  args: { id: vWorkIdValidator },
  handler: async (ctx, { id }) => (await scrapePool.status(ctx, id)).state,
});
