/**
 * Moves a deployed app with data from the published components to ours and back, as docs/moving.md says: by its imports, the
 * official CLI, and what the deploy prints.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBackend, sqlite, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { CliApp, type CliResult } from "./setup/cli-app.js";

const files: Readonly<Record<string, string>> = {
  "convex/schema.ts": `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({
  scores: defineTable({ game: v.string(), player: v.string(), score: v.number(), rating: v.optional(v.number()) }),
});
`,
  "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import aggregate from "@convex-dev/aggregate/convex.config";
import migrations from "@convex-dev/migrations/convex.config";
const app = defineApp();
app.use(aggregate, { name: "byScore" });
app.use(migrations);
export default app;
`,
  "convex/games.ts": `
import { TableAggregate } from "@convex-dev/aggregate";
import { v } from "convex/values";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";
const byScore = new TableAggregate<{ Key: [number, string]; Namespace: string; DataModel: DataModel; TableName: "scores" }>(
  components.byScore,
  { namespace: (doc) => doc.game, sortKey: (doc) => [doc.score, doc.player], sumValue: (doc) => doc.score },
);
export const add = mutation({
  args: { game: v.string(), from: v.number(), to: v.number() },
  handler: async (ctx, { game, from, to }) => {
    for (let n = from; n < to; n++) {
      const id = await ctx.db.insert("scores", { game, player: "p" + n, score: (n * 37) % 101 });
      await byScore.insert(ctx, (await ctx.db.get(id))!);
    }
  },
});
export const remove = mutation({
  args: { player: v.string() },
  handler: async (ctx, { player }) => {
    const doc = (await ctx.db.query("scores").collect()).find((each) => each.player === player)!;
    await byScore.delete(ctx, doc);
    await ctx.db.delete(doc._id);
  },
});
export const standing = query({
  args: {},
  handler: async (ctx) => {
    const games: Record<string, unknown> = {};
    for (const namespace of ["chess", "go"]) {
      const scores = (await ctx.db.query("scores").collect()).filter(({ game }) => game === namespace);
      const truth = [scores.length, scores.reduce((sum, { score }) => sum + score, 0)];
      games[namespace] = [await byScore.count(ctx, { namespace }), await byScore.sum(ctx, { namespace })];
      const high = { lower: { key: [50, ""] as [number, string], inclusive: true } };
      const counted = await byScore.count(ctx, { namespace, bounds: high });
      const isRight = counted === scores.filter(({ score }) => score >= 50).length;
      games[namespace + " right"] = isRight && JSON.stringify(games[namespace]) === JSON.stringify(truth);
    }
    return games;
  },
});
`,
  "convex/migrations.ts": `
import { Migrations } from "@convex-dev/migrations";
import { components } from "./_generated/api";
import type { DataModel } from "./_generated/dataModel";
const migrations = new Migrations<DataModel>(components.migrations);
export const rate = migrations.define({
  table: "scores",
  batchSize: 10,
  migrateOne: (_ctx, { rating = 0 }) => ({ rating: rating + 1 }),
});
`,
};

/** The app with the imports of one of the two. */
function withImports(library: "@convex-dev/" | "trueup/"): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replaceAll("@convex-dev/", library)]),
  );
}

const app = new CliApp(withImports("@convex-dev/"));
let backend: Backend;
let server: RunningServer;

async function serve(): Promise<void> {
  backend = await openBackend({ storage: sqlite(join(app.root, "data.sqlite")), log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: ["trueup|0123456789abcdef"] });
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='trueup|0123456789abcdef'\n`,
  });
}

async function stop(): Promise<void> {
  await server.close();
  await backend.close();
}

beforeAll(serve);
afterAll(async () => {
  await stop();
  await app.remove();
});

async function deploy(): Promise<CliResult> {
  return await app.runOfficial(["deploy", "--typecheck", "disable"]);
}

async function call(path: string, args: object = {}, componentPath = ""): Promise<unknown> {
  const outcome = await backend.run({ path, args, componentPath, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

/** Counts and sums of both games, and whether they are those of the table. */
async function standing(): Promise<unknown> {
  const found = (await call("games:standing")) as Record<string, unknown>;
  expect(found).toMatchObject({ "chess right": true, "go right": true });
  return found["chess"];
}

async function migrated(): Promise<unknown> {
  const [status] = (await call("lib:getStatus", { names: ["migrations:rate"] }, "migrations")) as object[];
  return status;
}

test("by the imports there, and by the imports and what the deploy prints back", async () => {
  expect(await deploy()).toMatchObject({ code: 0 });
  await call("games:add", { game: "chess", from: 0, to: 120 });
  await call("games:add", { game: "go", from: 200, to: 230 });
  await call("migrations:rate", { fn: "migrations:rate" });
  await backend.scheduler.idle();
  expect(await migrated()).toMatchObject({ state: "success", processed: 150 });
  const first = await standing();

  app.write(withImports("trueup/"));
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(await standing()).toEqual(first);
  expect(await migrated()).toMatchObject({ state: "success", processed: 150 });
  await call("games:add", { game: "chess", from: 120, to: 140 });
  await call("games:remove", { player: "p7" });
  const second = await standing();
  await call("migrations:rate", { fn: "migrations:rate", reset: true });
  await backend.scheduler.idle();

  // The code that gives the data back comes from the data file.
  await stop();
  await serve();
  app.write(withImports("@convex-dev/"));
  const refused = await deploy();
  expect(refused.code).not.toBe(0);
  const [pasted = ""] = /^import \{ waive \}[^]*?^\);$/m.exec(refused.stderr) ?? [];
  expect(pasted).toContain('waive(\n  "drop-table:migrations/runs",\n);');
  app.write({ "convex/waivers.ts": pasted });
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(await standing()).toEqual(second);
  expect(await migrated()).toMatchObject({ state: "success", processed: 169 });
  await call("games:remove", { player: "p100" });
  await call("games:add", { game: "go", from: 300, to: 340 });
  const third = await standing();

  app.write(withImports("trueup/"));
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(await standing()).toEqual(third);
}, 240_000);
