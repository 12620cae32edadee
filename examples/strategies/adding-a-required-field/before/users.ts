import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string() },
  handler: (ctx, { name }) => ctx.db.insert("users", { name }),
});

export const list = query({
  args: {},
  handler: (ctx) => ctx.db.query("users").collect(),
});
