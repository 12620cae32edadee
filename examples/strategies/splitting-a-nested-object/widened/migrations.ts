import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const extractPreferences = migrations.define({
  table: "users",
  isMigrated: ({ preferences }) => preferences === undefined,
  migrateOne: async (ctx, user) => {
    if (user.preferences === undefined) return;
    const there = await ctx.db
      .query("userPreferences")
      .withIndex("by_user", (q) => q.eq("userId", user._id))
      .first();
    if (there === null) await ctx.db.insert("userPreferences", { userId: user._id, ...user.preferences });
    await ctx.db.patch(user._id, { preferences: undefined });
  },
});
