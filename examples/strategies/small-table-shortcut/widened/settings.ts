import { internalMutation } from "./_generated/server.js";

/** All of it in one transaction: only for a table that is known to be small. */
export const addScope = internalMutation({
  args: {},
  handler: async (ctx) => {
    let changed = 0;
    for (const setting of await ctx.db.query("settings").collect()) {
      if (setting.scope !== undefined) continue;
      await ctx.db.patch(setting._id, { scope: "everyone" });
      changed++;
    }
    return changed;
  },
});
