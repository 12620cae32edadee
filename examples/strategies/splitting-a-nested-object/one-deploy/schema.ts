import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

const preferences = { theme: v.string(), emails: v.boolean() };

export default defineSchema({
  users: defineTable({ name: v.string() }),
  userPreferences: defineTable({ userId: v.id("users"), ...preferences }).index("by_user", ["userId"]),
});
