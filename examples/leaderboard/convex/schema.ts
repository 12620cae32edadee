import { authTables } from "@convex-dev/auth/server";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  ...authTables,
  throws: defineTable({ player: v.id("users"), points: v.number() }).index("by_player", ["player", "points"]),
});
