import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const deleteOrphanedEmbeddings = migrations.define({
  table: "embeddings",
  migrateOne: async (ctx, embedding) => {
    const chunk = await ctx.db
      .query("chunks")
      .withIndex("by_embedding", (q) => q.eq("embeddingId", embedding._id))
      .first();
    if (chunk === null) await ctx.db.delete(embedding._id);
  },
});
