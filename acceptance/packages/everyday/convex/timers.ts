/** `@convex-dev/crons` as its README uses it: cron jobs that come and go while the app runs. */
import { Crons } from "@convex-dev/crons";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalMutation, mutation, query } from "./_generated/server";
import { note } from "./log";

const crons = new Crons(components.crons);

export const logStuff = internalMutation({
  args: { message: v.string() },
  handler: async (ctx, { message }) => {
    await note(ctx, "timers", message);
  },
});

export const register = mutation({
  args: {},
  handler: async (ctx) => {
    await crons.register(
      ctx,
      { kind: "interval", ms: 1000 },
      internal.timers.logStuff,
      { message: "tick" },
      "ticks",
    );
    await crons.register(ctx, { kind: "cron", cronspec: "0 0 * * *" }, internal.timers.logStuff, {
      message: "day",
    });
  },
});

export const remove = mutation({
  args: { name: v.string() },
  handler: (ctx, { name }) => crons.delete(ctx, { name }),
});

export const list = query({
  args: {},
  handler: async (ctx) =>
    (await crons.list(ctx)).map(({ name, schedule }) => ({ name, kind: schedule.kind })),
});
