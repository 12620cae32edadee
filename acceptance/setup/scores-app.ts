/** An app of one indexed table and its managed aggregate, for commands that look at what is stored. */
export const scoresApp: Readonly<
  Record<"convex/schema.ts" | "convex/convex.config.ts" | "convex/scores.ts", string>
> = {
  "convex/schema.ts": `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ scores: defineTable({ score: v.number() }).index("by_score", ["score"]) });
`,
  "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import aggregate from "trueup/aggregate/convex.config";
const app = defineApp();
app.use(aggregate, { name: "byScore" });
export default app;
`,
  "convex/scores.ts": `
import { componentsGeneric, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
import { TableAggregate } from "trueup/aggregate";
const components = componentsGeneric() as any;
export const byScore = new TableAggregate<any>(components.byScore, {
  table: "scores",
  version: 1,
  sortKey: (doc: any) => doc.score,
  sumValue: (doc: any) => doc.score,
});
export const addMany = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let score = 1; score <= count; score++) await ctx.db.insert("scores", { score });
  },
});
/** Takes the item of a document away, without the database noticing. */
export const lose = mutation({
  handler: async (ctx) => {
    const doc = (await ctx.db.query("scores").first())!;
    const operations = [{ type: "deleteIfExists", key: doc.score, id: doc._id }];
    await ctx.runMutation(components.byScore.managed.follow, { definition: "scores@1", operations });
    return doc._id;
  },
});
export const total = query({ handler: async (ctx) => await byScore.sum(ctx) });
`,
};
