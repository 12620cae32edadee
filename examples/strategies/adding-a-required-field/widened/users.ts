import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string() },
  handler: (ctx, { name }) => ctx.db.insert("users", { name, role: "user" }),
});

export const admins = query({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("users").collect()).filter(({ role }) => (role ?? "user") === "admin"),
});
