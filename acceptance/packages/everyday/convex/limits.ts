/** `@convex-dev/rate-limiter` as its README uses it: both kinds of limits, keys, resets, errors, updates in the background. */
import { HOUR, MINUTE, RateLimiter } from "@convex-dev/rate-limiter";
import { ConvexError, v } from "convex/values";
import { components } from "./_generated/api";
import { mutation, query } from "./_generated/server";

const rateLimiter = new RateLimiter(components.rateLimiter, {
  freeTrialSignUp: { kind: "fixed window", rate: 2, period: HOUR },
  sendMessage: { kind: "token bucket", rate: 10, period: MINUTE, capacity: 3 },
  failedLogins: { kind: "token bucket", rate: 2, period: HOUR },
  llmTokenBudget: { kind: "token bucket", rate: 10, period: HOUR, applyUpdates: "asynchronously" },
  llmTokens: { kind: "token bucket", rate: 40000, period: HOUR, shards: 10 },
});

export const { getRateLimit, getServerTime } = rateLimiter.hookAPI("sendMessage", { key: "ada" });

export const signUp = mutation({ args: {}, handler: (ctx) => rateLimiter.limit(ctx, "freeTrialSignUp") });

export const send = mutation({
  args: { user: v.string(), fails: v.optional(v.boolean()) },
  handler: async (ctx, { user, fails }) => {
    const status = await rateLimiter.limit(ctx, "sendMessage", { key: user });
    if (fails) throw new ConvexError("not sent");
    return status;
  },
});

export const logIn = mutation({
  args: { user: v.string(), password: v.string() },
  handler: async (ctx, { user, password }) => {
    if (password === "right") await rateLimiter.reset(ctx, "failedLogins", { key: user });
    else await rateLimiter.limit(ctx, "failedLogins", { key: user, throws: true });
  },
});

export const canLogIn = query({
  args: { user: v.string() },
  handler: async (ctx, { user }) => (await rateLimiter.check(ctx, "failedLogins", { key: user })).ok,
});

export const useTokens = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => [
    await rateLimiter.limit(ctx, "llmTokenBudget", { count }),
    await rateLimiter.limit(ctx, "llmTokens", { count }),
  ],
});

export const tokensLeft = query({
  args: {},
  handler: async (ctx) => (await rateLimiter.check(ctx, "llmTokenBudget", { count: 10 })).ok,
});
