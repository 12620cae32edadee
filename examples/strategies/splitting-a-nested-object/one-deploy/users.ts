import { v, type Infer } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";

const preferences = v.object({ theme: v.string(), emails: v.boolean() });

/** A user as it may be stored until the migration is done. */
export type StoredUser = Doc<"users"> & { preferences?: Infer<typeof preferences> };

export const add = mutation({
  args: { name: v.string(), preferences },
  handler: async (ctx, { name, preferences }) => {
    const userId = await ctx.db.insert("users", { name });
    await ctx.db.insert("userPreferences", { userId, ...preferences });
    return userId;
  },
});

export const theme = query({
  args: { userId: v.id("users") },
  handler: async (ctx, { userId }) => {
    const found = await ctx.db
      .query("userPreferences")
      .withIndex("by_user", (q) => q.eq("userId", userId))
      .unique();
    if (found !== null) return found.theme;
    const user: StoredUser | null = await ctx.db.get(userId);
    return user?.preferences?.theme ?? null;
  },
});
