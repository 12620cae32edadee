import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** What was done, in the order in which it happened. */
  log: defineTable({ topic: v.string(), text: v.string() }).index("by_topic", ["topic"]),
  chats: defineTable({ prompt: v.string(), stream: v.string() }),
});
