import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

const preferences = { theme: v.string(), emails: v.boolean() };

export default defineSchema({
  users: defineTable({ name: v.string(), preferences: v.optional(v.object(preferences)) }),
  userPreferences: defineTable({ userId: v.id("users"), ...preferences }).index("by_user", ["userId"]),
});
