/** `@convex-dev/r2` as its README uses it: what clients upload, what actions store, and what becomes of both. */
import { R2, type R2Callbacks } from "@convex-dev/r2";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { action, query } from "./_generated/server";

const r2 = new R2(components.r2);
const callbacks: R2Callbacks = internal.files;

export const { generateUploadUrl, syncMetadata, getMetadata, listMetadata, deleteObject, onSyncMetadata } =
  r2.clientApi<DataModel>({
    checkUpload: (_ctx, bucket) => {
      if (bucket !== "pictures") throw new Error("not there");
    },
    onUpload: async (ctx, _bucket, key) => {
      await ctx.db.insert("log", { topic: "files", text: `uploaded ${key}` });
    },
    onSyncMetadata: async (ctx, { key, isNew }) => {
      await ctx.db.insert("log", { topic: "files", text: `${isNew ? "new" : "known"} ${key}` });
    },
    callbacks,
  });

export const store = action({
  args: { key: v.string(), text: v.string() },
  handler: async (ctx, { key, text }): Promise<string> =>
    await r2.store(ctx, new Blob([text], { type: "text/plain" }), { key }),
});

export const url = query({
  args: { key: v.string() },
  handler: async (_ctx, { key }) => await r2.getUrl(key),
});
