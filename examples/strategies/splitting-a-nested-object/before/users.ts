import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { preferences } from "./schema.js";

export const add = mutation({
  args: { name: v.string(), preferences },
  handler: (ctx, user) => ctx.db.insert("users", user),
});

export const theme = query({
  args: { userId: v.id("users") },
  handler: async (ctx, { userId }) => (await ctx.db.get(userId))?.preferences.theme ?? null,
});
