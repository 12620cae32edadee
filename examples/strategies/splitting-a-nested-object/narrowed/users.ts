import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string(), preferences: v.object({ theme: v.string(), emails: v.boolean() }) },
  handler: async (ctx, { name, preferences }) => {
    const userId = await ctx.db.insert("users", { name });
    await ctx.db.insert("userPreferences", { userId, ...preferences });
    return userId;
  },
});

export const theme = query({
  args: { userId: v.id("users") },
  handler: async (ctx, { userId }) => {
    const found = await ctx.db
      .query("userPreferences")
      .withIndex("by_user", (q) => q.eq("userId", userId))
      .unique();
    return found?.theme ?? null;
  },
});
