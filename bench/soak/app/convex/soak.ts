/** What clients of the soak call. */
import {
  actionGeneric as action,
  anyApi,
  componentsGeneric,
  internalMutationGeneric as internalMutation,
  internalQueryGeneric as internalQuery,
  mutationGeneric as mutation,
  paginationOptsValidator,
  queryGeneric as query,
  type Auth,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { TableAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import { pointsOf } from "./entry.js";

const components = componentsGeneric() as unknown as { byPoints: ComponentApi; byUser: ComponentApi };
const { add: addReference, ran: ranReference } = anyApi["soak"]!;

export const byPoints = new TableAggregate(components.byPoints, {
  table: "entries",
  sortKey: (entry) => entry["points"] as number,
  sumValue: (entry) => entry["points"] as number,
});

export const byUser = new TableAggregate(components.byUser, {
  table: "entries",
  namespace: (entry) => entry["user"],
  sortKey: () => null,
});

async function userOf({ auth }: { auth: Auth }): Promise<string> {
  return (await auth.getUserIdentity())?.subject ?? "nobody";
}

export const add = mutation({
  args: { key: v.string(), points: v.number() },
  handler: async (ctx, { key, points }) => {
    const user = await userOf(ctx);
    await ctx.db.insert("entries", { key, user, ...pointsOf(points) });
    return user;
  },
});

/** Gives an entry that chance picks other points. */
export const change = mutation({
  args: { points: v.number() },
  handler: async (ctx, { points }) => {
    const item = await byPoints.random(ctx);
    if (item !== null) await ctx.db.patch(item.id, pointsOf(points));
  },
});

export const transfer = mutation({
  args: { from: v.number(), to: v.number(), amount: v.number() },
  handler: async (ctx, { from, to, amount }) => {
    for (const [name, change] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      const account = await ctx.db
        .query("accounts")
        .withIndex("by_name", (q) => q.eq("name", name))
        .unique();
      if (account === null) await ctx.db.insert("accounts", { name, balance: change });
      else await ctx.db.patch(account._id, { balance: (account["balance"] as number) + change });
    }
  },
});

export const later = mutation({
  args: { key: v.string(), delayMs: v.number() },
  handler: async (ctx, { key, delayMs }) => {
    await ctx.scheduler.runAfter(delayMs, ranReference!, { key });
  },
});

export const ran = internalMutation({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.db.insert("runs", { key });
  },
});

export const tick = internalMutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("ticks", {});
  },
});

export const relay = action({
  args: { key: v.string(), points: v.number() },
  handler: async (ctx, args): Promise<string> => await ctx.runMutation(addReference!, args),
});

export const board = query({
  args: {},
  handler: async (ctx) => ({
    count: await byPoints.count(ctx),
    sum: await byPoints.sum(ctx),
    best: (await byPoints.max(ctx))?.key ?? null,
  }),
});

export const mine = query({
  args: {},
  handler: async (ctx) => await byUser.count(ctx, { namespace: await userOf(ctx) }),
});

/** Ends by the clock only. */
export const hang = mutation({ args: {}, handler: () => new Promise<null>(() => {}) });

export const refuse = mutation({
  args: {},
  handler: () => {
    throw new ConvexError({ code: "REFUSED" });
  },
});

export const page = internalQuery({
  args: { table: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { table, paginationOpts }) => await ctx.db.query(table).paginate(paginationOpts),
});
