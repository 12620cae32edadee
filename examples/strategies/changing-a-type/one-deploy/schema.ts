import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export const plan = v.union(v.literal("basic"), v.literal("pro"));

export default defineSchema({
  teams: defineTable({ name: v.string(), plan }).index("by_plan", ["plan"]),
});
