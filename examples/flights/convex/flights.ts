/** Writes of the flights table. Nothing here knows that aggregates exist. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

const flight = v.object({ delay: v.number(), distance: v.number(), time: v.number() });

export const insertMany = mutation({
  args: { flights: v.array(flight) },
  handler: async (ctx, { flights }) => {
    const ids = [];
    for (const fields of flights) ids.push(await ctx.db.insert("flights", fields));
    return ids;
  },
});

export const setDelay = mutation({
  args: { id: v.id("flights"), delay: v.number() },
  handler: async (ctx, { id, delay }) => {
    await ctx.db.patch(id, { delay });
  },
});

export const remove = mutation({
  args: { id: v.id("flights") },
  handler: async (ctx, { id }) => {
    await ctx.db.delete(id);
  },
});

/** A flight that was this late or later: something for a writer to change. */
export const someId = query({
  args: { delay: v.number() },
  handler: async (ctx, { delay }) => {
    const flight = await ctx.db
      .query("flights")
      .withIndex("by_delay", (q) => q.gte("delay", delay))
      .first();
    return flight?._id ?? null;
  },
});
