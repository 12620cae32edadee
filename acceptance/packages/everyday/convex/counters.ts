import { ShardedCounter } from "@convex-dev/sharded-counter";
import { v } from "convex/values";
import { components } from "./_generated/api";
import { mutation, query } from "./_generated/server";

const counter = new ShardedCounter(components.shardedCounter, { shards: { checkboxes: 4 } });
const checkboxes = counter.for("checkboxes");

export const check = mutation({
  args: { by: v.number() },
  handler: (ctx, { by }) => checkboxes.add(ctx, by),
});

export const uncheck = mutation({ args: {}, handler: (ctx) => checkboxes.dec(ctx) });

export const reset = mutation({ args: {}, handler: (ctx) => checkboxes.reset(ctx) });

export const count = query({ args: {}, handler: (ctx) => checkboxes.count(ctx) });

/** An estimate from all shards is exact. */
export const estimate = query({ args: {}, handler: (ctx) => counter.estimateCount(ctx, "checkboxes", 4) });
