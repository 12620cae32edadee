import { Migrations } from "trueup/migrations";
import { components } from "./_generated/api.js";
import type { DataModel } from "./_generated/dataModel.js";
import type { StoredUser } from "./users.js";

const migrations = new Migrations<DataModel>(components.migrations);

export const waivers = migrations.waive("drop-field:users.preferences");

export const extractPreferences = migrations.define({
  table: "users",
  runOnDeploy: true,
  migrateOne: async (ctx, { preferences, ...user }: StoredUser) => {
    if (preferences === undefined) return;
    const there = await ctx.db
      .query("userPreferences")
      .withIndex("by_user", (q) => q.eq("userId", user._id))
      .first();
    if (there === null) await ctx.db.insert("userPreferences", { userId: user._id, ...preferences });
    await ctx.db.replace(user._id, user);
  },
});
