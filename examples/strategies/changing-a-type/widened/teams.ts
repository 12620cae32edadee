import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { plan } from "./schema.js";

export const add = mutation({
  args: { name: v.string(), plan },
  handler: (ctx, team) => ctx.db.insert("teams", team),
});

export const countPro = query({
  args: {},
  handler: async (ctx) => {
    const teams = await ctx.db.query("teams").collect();
    return teams.filter(({ isPro, plan }) => (plan === undefined ? isPro === true : plan === "pro")).length;
  },
});
