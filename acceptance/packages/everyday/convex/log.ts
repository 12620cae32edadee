import { v } from "convex/values";
import { internalMutation, query, type MutationCtx } from "./_generated/server";

export const note = (ctx: MutationCtx, topic: string, text: string) => ctx.db.insert("log", { topic, text });

export const list = query({
  args: { topic: v.string() },
  handler: async (ctx, { topic }) => {
    const entries = ctx.db.query("log").withIndex("by_topic", (q) => q.eq("topic", topic));
    return (await entries.collect()).map(({ text }) => text);
  },
});

/** Notes a text, and returns how many entries of the topic begin with it. */
export const attempt = internalMutation({
  args: { topic: v.string(), text: v.string() },
  handler: async (ctx, { topic, text }) => {
    await note(ctx, topic, text);
    const entries = ctx.db.query("log").withIndex("by_topic", (q) => q.eq("topic", topic));
    return (await entries.collect()).filter((entry) => entry.text.startsWith(text)).length;
  },
});
