import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  teams: defineTable({
    name: v.string(),
    /** Deprecated: was the plan before there were plans. Nothing reads it. */
    isPro: v.optional(v.boolean()),
  }),
});
