/** `@convex-dev/better-auth` with passwords, for pages of another origin. */
import { createClient, type GenericCtx } from "@convex-dev/better-auth";
import { convex, crossDomain } from "@convex-dev/better-auth/plugins";
import { betterAuth } from "better-auth/minimal";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { query } from "./_generated/server";
import authConfig from "./auth.config";

const siteUrl = process.env.SITE_URL!;

export const authComponent = createClient<DataModel>(components.betterAuth);

export const createAuth = (ctx: GenericCtx<DataModel>) =>
  betterAuth({
    baseURL: process.env.CONVEX_SITE_URL!,
    trustedOrigins: [siteUrl],
    database: authComponent.adapter(ctx),
    emailAndPassword: { enabled: true, requireEmailVerification: false },
    logger: { disabled: true },
    plugins: [crossDomain({ siteUrl }), convex({ authConfig })],
  });

export const me = query({
  args: {},
  handler: async (ctx) => (await authComponent.safeGetAuthUser(ctx))?.email ?? null,
});

export const secret = query({
  args: {},
  handler: async (ctx) => `for ${(await authComponent.getAuthUser(ctx)).name} only`,
});

export const url = query({ args: {}, handler: () => process.env.CONVEX_SITE_URL! });

const atImport = process.env.CONVEX_SITE_URL!;
export const urlAtImport = query({ args: {}, handler: () => atImport });
