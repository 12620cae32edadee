import { getAuthUserId } from "@convex-dev/auth/server";
import { TableAggregate } from "trueup/aggregate";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";

const dice = 5;
/** Every sum that five dice can have: 5 to 30. */
const sums = Array.from({ length: 5 * dice + 1 }, (_, n) => n + dice);

/** Follows every write of the table by itself, and answers in O(log n): counts, ranks, percentiles, histograms. */
export const byPoints = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "throws" }>(
  components.byPoints,
  { table: "throws", sortKey: (thrown) => thrown.points, sumValue: (thrown) => thrown.points },
);

/** An ordinary insert. Nothing here knows that somebody counts. */
export const roll = mutation({
  args: {},
  handler: async (ctx) => {
    const player = await getAuthUserId(ctx);
    if (player === null) throw new Error("Only who has signed in may throw.");
    let points = 0;
    for (let die = 0; die < dice; die++) points += Math.floor(Math.random() * 6) + 1;
    await ctx.db.insert("throws", { player, points });
  },
});

/** All throws: how many, how they are spread, and the ten best with their players. */
export const board = query({
  args: {},
  handler: async (ctx) => {
    const { page } = await byPoints.paginate(ctx, { order: "desc", pageSize: 10 });
    const best = page.map(async ({ id, key: points }) => {
      const player = (await ctx.db.get(id))!.player;
      return { id, points, name: (await ctx.db.get(player))?.email?.split("@")[0] ?? "somebody" };
    });
    const [, ...counts] = await byPoints.histogram(ctx, sums);
    return {
      count: await byPoints.count(ctx),
      sum: await byPoints.sum(ctx),
      spread: sums.map((points, at) => ({ points, count: counts[at] ?? 0 })),
      best: await Promise.all(best),
    };
  },
});

/** The caller's best throw, and its rank among all: 1 when none is better. */
export const mine = query({
  args: {},
  handler: async (ctx) => {
    const player = await getAuthUserId(ctx);
    if (player === null) return null;
    const best = await ctx.db
      .query("throws")
      .withIndex("by_player", (q) => q.eq("player", player))
      .order("desc")
      .first();
    if (best === null) return null;
    return { points: best.points, rank: (await byPoints.indexOf(ctx, best.points, { order: "desc" })) + 1 };
  },
});
