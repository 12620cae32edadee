import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string(), isPro: v.boolean() },
  handler: (ctx, { name, isPro }) => ctx.db.insert("teams", { name, isPro, plan: isPro ? "pro" : "basic" }),
});

export const countPro = query({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("teams").collect()).filter(({ isPro }) => isPro === true).length,
});
