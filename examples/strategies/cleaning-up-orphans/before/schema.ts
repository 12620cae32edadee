import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  chunks: defineTable({ text: v.string(), embeddingId: v.id("embeddings") }).index("by_embedding", [
    "embeddingId",
  ]),
  embeddings: defineTable({ vector: v.array(v.number()) }),
});
