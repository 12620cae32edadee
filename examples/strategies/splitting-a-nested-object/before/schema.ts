import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export const preferences = v.object({ theme: v.string(), emails: v.boolean() });

export default defineSchema({
  users: defineTable({ name: v.string(), preferences }),
});
