/**
 * The app that the official CLI is tried on: every kind of function, two published components, one mounted in the app's
 * own, crons, HTTP routes, Node, environment variables, an auth configuration.
 */
export const fixtureApp: Readonly<Record<string, string>> = {
  "convex/schema.ts": `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({
  scores: defineTable({ name: v.string(), score: v.number() }).index("by_score", ["score"]),
});
`,
  "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import aggregate from "@convex-dev/aggregate/convex.config";
import migrations from "@convex-dev/migrations/convex.config";
import tally from "./tally/convex.config";
const app = defineApp();
app.use(aggregate, { name: "aggregateByScore" });
app.use(migrations);
app.use(tally, { env: { STEP: "2" } });
export default app;
`,
  "convex/tally/convex.config.ts": `
import { defineComponent } from "convex/server";
import { v } from "convex/values";
import sharded from "@convex-dev/sharded-counter/convex.config";
const tally = defineComponent("tally", { env: { STEP: v.string() } });
tally.use(sharded);
export default tally;
`,
  "convex/tally/counter.ts": `
import { mutation } from "./_generated/server";
import { v } from "convex/values";
export const step = mutation({
  args: {},
  returns: v.number(),
  handler: async () => Number(process.env.STEP),
});
`,
  "convex/leaderboard.ts": `
import { TableAggregate } from "@convex-dev/aggregate";
import { ConvexError, v } from "convex/values";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { action, internalMutation, mutation, query } from "./_generated/server";
import { doubled } from "./lib/doubled";

const byScore = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "scores" }>(
  components.aggregateByScore,
  { sortKey: (doc) => doc.score },
);

export const add = mutation({
  args: { name: v.string(), score: v.number() },
  returns: v.id("scores"),
  handler: async (ctx, args) => {
    console.log("adding", args.name);
    const id = await ctx.db.insert("scores", args);
    await byScore.insert(ctx, (await ctx.db.get(id))!);
    return id;
  },
});
export const count = query({ args: {}, handler: (ctx) => byScore.count(ctx) });
export const names = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("scores").withIndex("by_score").collect()).map((doc) => doc.name),
});
export const secret = internalMutation({ args: {}, handler: async () => doubled(21) });
export const step = action({ args: {}, handler: (ctx): Promise<number> => ctx.runMutation(components.tally.counter.step, {}) });
export const refuse = query({
  args: {},
  handler: async () => {
    throw new ConvexError({ reason: "on purpose" });
  },
});
export default query({ args: {}, handler: async () => process.env.LEVEL ?? "unset" });
`,
  "convex/lib/doubled.ts": "export const doubled = (n: number) => n * 2;\n",
  "convex/hashing.ts": `
"use node";
import { createHash } from "node:crypto";
import { action } from "./_generated/server";
import { doubled } from "./lib/doubled";
export const hash = action({ args: {}, handler: async () => createHash("sha256").update(String(doubled(1))).digest("hex") });
`,
  "convex/crons.ts": `
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";
const crons = cronJobs();
crons.interval("secret work", { hours: 24 }, internal.leaderboard.secret, {});
export default crons;
`,
  "convex/http.ts": `
import { httpRouter } from "convex/server";
import { api } from "./_generated/api";
import { httpAction } from "./_generated/server";
const http = httpRouter();
http.route({
  path: "/count",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json({ count: await ctx.runQuery(api.leaderboard.count, {}) })),
});
export default http;
`,
  "convex/auth.config.ts": `
export default { providers: [{ domain: "https://issuer.example", applicationID: "convex" }] };
`,
};
