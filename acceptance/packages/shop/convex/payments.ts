/** `@convex-dev/stripe` as its README uses it. */
import { StripeSubscriptions } from "@convex-dev/stripe";
import { v } from "convex/values";
import { components } from "./_generated/api";
import { action, query } from "./_generated/server";

const stripe = new StripeSubscriptions(components.stripe, {});

export const checkOut = action({
  args: { userId: v.string(), priceId: v.string() },
  returns: v.object({ isNew: v.boolean(), url: v.union(v.string(), v.null()) }),
  handler: async (ctx, { userId, priceId }) => {
    const { customerId, isNew } = await stripe.getOrCreateCustomer(ctx, {
      userId,
      email: `${userId}@example.com`,
    });
    const { url } = await stripe.createCheckoutSession(ctx, {
      priceId,
      customerId,
      mode: "subscription",
      successUrl: "https://shop.example/?success=true",
      cancelUrl: "https://shop.example/?canceled=true",
      subscriptionMetadata: { userId },
    });
    return { isNew, url };
  },
});

export const cancel = action({
  args: { stripeSubscriptionId: v.string() },
  handler: async (ctx, args): Promise<null> => await stripe.cancelSubscription(ctx, args),
});

export const subscriptionsOf = query({
  args: { userId: v.string() },
  handler: async (ctx, { userId }) => {
    const found = await ctx.runQuery(components.stripe.public.listSubscriptionsByUserId, { userId });
    return found.map(({ status, quantity, cancelAtPeriodEnd }) => ({ status, quantity, cancelAtPeriodEnd }));
  },
});
