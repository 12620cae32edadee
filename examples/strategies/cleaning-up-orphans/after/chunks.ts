import { v } from "convex/values";
import { mutation } from "./_generated/server.js";

export const add = mutation({
  args: { text: v.string(), vector: v.array(v.number()) },
  handler: async (ctx, { text, vector }) => {
    const embeddingId = await ctx.db.insert("embeddings", { vector });
    return await ctx.db.insert("chunks", { text, embeddingId });
  },
});

export const remove = mutation({
  args: { chunkId: v.id("chunks") },
  handler: async (ctx, { chunkId }) => {
    const chunk = await ctx.db.get(chunkId);
    if (chunk === null) return;
    await ctx.db.delete(chunkId);
    await ctx.db.delete(chunk.embeddingId);
  },
});
