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
    const teams = ctx.db.query("teams").withIndex("by_plan", (q) => q.eq("plan", "pro"));
    return (await teams.collect()).length;
  },
});
