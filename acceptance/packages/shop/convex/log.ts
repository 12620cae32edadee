import { v } from "convex/values";
import { internalMutation, query } from "./_generated/server";

export const add = internalMutation({
  args: { topic: v.string(), text: v.string() },
  handler: async (ctx, entry) => {
    await ctx.db.insert("log", entry);
  },
});

export const list = query({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    const entries = ctx.db.query("log").withIndex("by_topic", (q) => q.eq("topic", topic));
    return (await entries.collect()).map(({ text }) => text);
  },
});
