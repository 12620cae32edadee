import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { entryFields } from "./entry.js";

export default defineSchema({
  entries: defineTable(entryFields),
  accounts: defineTable({ name: v.number(), balance: v.number() }).index("by_name", ["name"]),
  runs: defineTable({ key: v.string() }),
  ticks: defineTable({}),
});
