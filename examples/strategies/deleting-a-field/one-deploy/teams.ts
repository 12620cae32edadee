import { v } from "convex/values";
import { mutation } from "./_generated/server.js";

export const add = mutation({
  args: { name: v.string() },
  handler: (ctx, team) => ctx.db.insert("teams", team),
});
