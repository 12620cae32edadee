import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";
import { plan } from "./schema.js";

export const add = mutation({
  args: { name: v.string(), plan },
  handler: (ctx, team) => ctx.db.insert("teams", team),
});

export const countPro = query({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("teams").collect()).filter((team) => planOf(team) === "pro").length,
});

/** The one place that knows of both shapes. */
function planOf({ plan, isPro }: Doc<"teams">): "basic" | "pro" {
  return plan ?? (isPro ? "pro" : "basic");
}
