import { v } from "convex/values";
import { mutation } from "./_generated/server.js";

export const add = mutation({
  args: { text: v.string(), vector: v.array(v.number()) },
  handler: async (ctx, { text, vector }) => {
    const embeddingId = await ctx.db.insert("embeddings", { vector });
    return await ctx.db.insert("chunks", { text, embeddingId });
  },
});

/** Forgets the embedding. */
export const remove = mutation({
  args: { chunkId: v.id("chunks") },
  handler: (ctx, { chunkId }) => ctx.db.delete(chunkId),
});
