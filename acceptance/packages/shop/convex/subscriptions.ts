/** `@convex-dev/polar` as its README uses it. */
import { Polar } from "@convex-dev/polar";
import { api, components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { action, query } from "./_generated/server";

interface User {
  readonly userId: string;
  readonly email: string;
}

export const user = query({ args: {}, handler: (): User => ({ userId: "ada", email: "ada@example.com" }) });

const products = { premium: "product-premium" };

export const polar: Polar<DataModel, typeof products> = new Polar(components.polar, {
  products,
  getUserInfo: async (ctx): Promise<User> => await ctx.runQuery(api.subscriptions.user),
});

export const {
  cancelCurrentSubscription,
  getConfiguredProducts,
  listAllSubscriptions,
  generateCheckoutLink,
  generateCustomerPortalUrl,
} = polar.api();

export const syncProducts = action({ args: {}, handler: async (ctx) => await polar.syncProducts(ctx) });

export const current = query({
  args: {},
  handler: async (ctx): Promise<{ status: string; productKey: string | undefined } | null> => {
    const found = await polar.getCurrentSubscription(ctx, { userId: "ada" });
    return found && { status: found.status, productKey: found.productKey };
  },
});
