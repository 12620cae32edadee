import { v } from "convex/values";
import { mutation } from "./_generated/server.js";

export const add = mutation({
  args: { key: v.string(), value: v.string() },
  handler: (ctx, setting) => ctx.db.insert("settings", setting),
});
