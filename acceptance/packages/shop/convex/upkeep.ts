/** What convex-helpers has for work behind functions: migrations, rate limits, retries. */
import { getStatus, makeMigration, startMigrationsSerially } from "convex-helpers/server/migrations";
import { defineRateLimits } from "convex-helpers/server/rateLimit";
import { makeActionRetrier } from "convex-helpers/server/retries";
import { internal } from "./_generated/api";
import { internalAction, internalMutation, mutation, query } from "./_generated/server";

const migration = makeMigration(internalMutation, { migrationTable: "migrations", defaultBatchSize: 4 });

export const shout = migration({
  table: "messages",
  migrateOne: (_ctx, { text }) => ({ text: text.toUpperCase() }),
});

export const exclaim = migration({
  table: "messages",
  migrateOne: (_ctx, { text }) => ({ text: text.concat("!") }),
});

export const migrate = mutation({
  args: {},
  handler: async (ctx): Promise<void> =>
    await startMigrationsSerially(ctx, [internal.upkeep.shout, internal.upkeep.exclaim]),
});

export const migrated = query({
  args: {},
  handler: async (ctx) => {
    const all = await getStatus(ctx, { migrationTable: "migrations" });
    return all.map((status) => `${status.name} ${status.isDone ? "done" : "under way"}`);
  },
});

export const texts = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("messages").collect()).map(({ text }) => text),
});

const { rateLimit, resetRateLimit } = defineRateLimits({
  sends: { kind: "token bucket", rate: 2, period: 3_600_000 },
});

export const send = mutation({
  args: {},
  handler: async (ctx) => (await rateLimit(ctx, { name: "sends", key: "ann" })).ok,
});

export const forgive = mutation({
  args: {},
  handler: async (ctx) => await resetRateLimit(ctx, { name: "sends", key: "ann" }),
});

export const { runWithRetries, retry } = makeActionRetrier("upkeep:retry", {
  waitBackoff: 10,
  retryBackoff: 10,
  base: 1.1,
  log: () => {},
});

export const tryOften = mutation({
  args: {},
  handler: async (ctx): Promise<void> => await runWithRetries(ctx, internal.upkeep.flaky, {}),
});

export const flaky = internalAction({
  args: {},
  handler: async (ctx): Promise<void> => {
    if ((await ctx.runMutation(internal.upkeep.attempt, {})) < 3) throw new Error("not yet");
  },
});

export const attempt = internalMutation({
  args: {},
  handler: async (ctx) => {
    const found = await ctx.db
      .query("counts")
      .withIndex("by_name", (q) => q.eq("name", "attempts"))
      .unique();
    if (found === null) await ctx.db.insert("counts", { name: "attempts", count: 1 });
    else await ctx.db.patch(found._id, { count: found.count + 1 });
    return (found?.count ?? 0) + 1;
  },
});

export const attempts = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("counts").collect()).map(({ count }) => count),
});
