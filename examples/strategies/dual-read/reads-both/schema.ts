import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export const plan = v.union(v.literal("basic"), v.literal("pro"));

export default defineSchema({
  teams: defineTable({ name: v.string(), isPro: v.optional(v.boolean()), plan: v.optional(plan) }).index(
    "by_plan",
    ["plan"],
  ),
});
