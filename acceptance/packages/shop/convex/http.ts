/** The routes of vendors that tell of events, of logins, and one that other origins may read. */
import { registerRoutes } from "@convex-dev/stripe";
import { corsRouter } from "convex-helpers/server/cors";
import { httpRouter } from "convex/server";
import { components, internal } from "./_generated/api";
import { httpAction } from "./_generated/server";
import { authComponent, createAuth } from "./auth";
import { polar } from "./subscriptions";

const http = httpRouter();
authComponent.registerRoutes(http, createAuth, { cors: true });
polar.registerRoutes(http, {
  events: {
    "subscription.updated": async (ctx, { data }) => {
      await ctx.runMutation(internal.log.add, { topic: "polar", text: data.status });
    },
  },
});
registerRoutes(http, components.stripe, {
  webhookPath: "/stripe/webhook",
  events: {
    "customer.subscription.updated": async (ctx, event) => {
      await ctx.runMutation(internal.log.add, { topic: "stripe", text: event.data.object.status });
    },
  },
});
corsRouter(http, { allowedOrigins: ["https://shop.example"], allowCredentials: true }).route({
  path: "/open",
  method: "GET",
  handler: httpAction(async () => new Response("open")),
});
export default http;
