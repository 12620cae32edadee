/**
 * The files of a new app: what every app has, and the examples that `trueup init` begins one with. The official CLI generates
 * the rest, `_generated/`, when it pushes.
 */

/** Sources by their path in the functions folder. */
export type AppFiles = Readonly<Record<string, string>>;

export const exampleNames = ["messages", "leaderboard"] as const;
export type ExampleName = (typeof exampleNames)[number];

/** Put into the sources below, which are texts here and import nothing. */
const library = "trueup";

/** How the official CLI type-checks functions; it skips that without this file. */
const tsconfig = `{
  // Convex functions are type-checked with this. The options below the line are what they run with: leave those as they are.
  "compilerOptions": {
    "allowJs": true,
    "strict": true,
    "jsx": "react-jsx",
    "skipLibCheck": true,
    "types": [],
    // ---
    "target": "ESNext",
    "lib": ["ES2023", "dom"],
    "module": "ESNext",
    "moduleResolution": "Bundler",
    "isolatedModules": true,
    "noEmit": true
  },
  "include": ["./**/*"],
  "exclude": ["./_generated"]
}
`;

const messages: AppFiles = {
  "schema.ts": `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  messages: defineTable({ author: v.string(), text: v.string() }),
});
`,
  "messages.ts": `import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

export const list = query({
  args: {},
  handler: async (ctx) => await ctx.db.query("messages").order("desc").take(20),
});

export const send = mutation({
  args: { author: v.string(), text: v.string() },
  handler: async (ctx, message) => await ctx.db.insert("messages", message),
});
`,
};

const leaderboard: AppFiles = {
  "schema.ts": `import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  players: defineTable({ name: v.string(), score: v.number() }),
});
`,
  "convex.config.ts": `import aggregate from "${library}/aggregate/convex.config";
import { defineApp } from "convex/server";

const app = defineApp();
app.use(aggregate, { name: "byScore" });
export default app;
`,
  "leaderboard.ts": `import { v } from "convex/values";
import { TableAggregate } from "${library}/aggregate";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";

// Whoever writes to the table, Trueup keeps this in step. \`npx trueup aggregates verify\` compares the two.
export const byScore = new TableAggregate<{ Key: number; DataModel: DataModel; TableName: "players" }>(
  components.byScore,
  { table: "players", sortKey: (player) => player.score, sumValue: (player) => player.score },
);

export const add = mutation({
  args: { name: v.string(), score: v.number() },
  handler: async (ctx, player) => await ctx.db.insert("players", player),
});

// The place that a score has or would have, and how everybody is doing. Each answer takes O(log n).
export const rank = query({
  args: { score: v.number() },
  handler: async (ctx, { score }) => ({
    better: await byScore.count(ctx, { bounds: { lower: { key: score, inclusive: false } } }),
    players: await byScore.count(ctx),
    average: await byScore.average(ctx),
    median: (await byScore.percentile(ctx, 50))?.key ?? null,
  }),
});
`,
};

/** What an example has, and how it is tried once it runs. */
interface Example {
  readonly files: AppFiles;
  /** Arguments of `trueup`, as one types them. */
  readonly firstCall: string;
}

export const examples: Readonly<Record<ExampleName, Example>> = {
  messages: {
    files: { "tsconfig.json": tsconfig, ...messages },
    firstCall: `run messages:send '{"author":"Ann","text":"hello"}'`,
  },
  leaderboard: {
    files: { "tsconfig.json": tsconfig, ...leaderboard },
    firstCall: `run leaderboard:add '{"name":"Ann","score":750}'`,
  },
};
