import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string(), isPro: v.boolean() },
  handler: (ctx, team) => ctx.db.insert("teams", team),
});

export const countPro = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("teams").collect()).filter(({ isPro }) => isPro).length,
});
