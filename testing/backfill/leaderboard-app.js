/**
 * A process that loads scores, attaches an aggregate to them, and backfills it while it goes on writing; killed
 * and started again, it goes on where it was. Arguments: the data file, how many scores. Prints a line when it has
 * opened, and ends by itself, with the verdict as JSON, when the backfill is done.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  anyApi as api,
  componentsGeneric,
  defineApp,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { modulesFromDirectory, openBackend, sqlite } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import { Migrations } from "trueup/migrations";
import { Triggers } from "trueup/triggers";

const [file, size] = [process.argv[2], Number(process.argv[3])];

const components = componentsGeneric();
const byScore = new TableAggregate(components.aggregate, {
  sortKey: (score) => score.points,
  sumValue: (score) => score.points,
});
const triggers = new Triggers();
triggers.register("scores", byScore.idempotentTrigger());
const migrations = new Migrations(components.migrations, { internalMutation: internalMutationGeneric });

const schema = defineSchema({ scores: defineTable({ points: v.number() }) });
const writes = {
  load: mutationGeneric(async (ctx, { from, to }) => {
    for (let points = from; points < to; points++) await ctx.db.insert("scores", { points: points % 997 });
  }),
  change: mutationGeneric(async (ctx, { points }) => {
    await ctx.db.insert("scores", { points });
    const docs = await ctx.db.query("scores").order("desc").take(3);
    await ctx.db.patch(docs.at(-1)._id, { points: points + 0.5 });
    if (docs.length === 3) await ctx.db.delete(docs[1]._id);
  }),
};
const backfill = {
  triggers,
  fill: migrations.define({
    table: "scores",
    batchSize: 50,
    migrateOne: (ctx, score) => byScore.insertIfDoesNotExist(ctx, score),
  }),
  run: migrations.runner(api.backfill.fill),
  status: queryGeneric(
    async (ctx) => (await migrations.getStatus(ctx, { migrations: [api.backfill.fill] }))[0],
  ),
  verdict: queryGeneric(async (ctx) => {
    const points = (await ctx.db.query("scores").collect())
      .map((score) => score.points)
      .sort((a, b) => a - b);
    const middle = Math.floor(points.length / 2);
    const { problems } = await ctx.runQuery(components.aggregate.inspect.validate, { leaves: 100_000 });
    return {
      expected: [
        points.length,
        points.reduce((sum, each) => sum + each, 0),
        points[0],
        points[middle],
        points.at(-1),
      ],
      actual: [
        await byScore.count(ctx),
        await byScore.sum(ctx),
        (await byScore.min(ctx)).key,
        (await byScore.at(ctx, middle)).key,
        (await byScore.max(ctx)).key,
      ],
      problems,
    };
  }),
};

/** Imported as the module that it is: definitions know where they are only while an app is being loaded. */
async function loadConfig() {
  const app = defineApp();
  app.use((await import("trueup/aggregate/convex.config")).default);
  app.use((await import("trueup/migrations/convex.config")).default);
  return { default: app };
}

async function component(name) {
  const config = fileURLToPath(import.meta.resolve(`trueup/${name}/convex.config`));
  return { modules: await modulesFromDirectory(dirname(config)) };
}

const modules = { "./schema.js": async () => ({ default: schema }), "./writes.js": async () => writes };
const before = await openBackend({ storage: sqlite(file), modules });
const { value: loaded } = await before.database.query((tx) => tx.component("").count("scores"));
for (let from = loaded; from < size; from += 500) {
  await before.mutation(api.writes.load, { from, to: Math.min(from + 500, size) });
}
await before.close();

const backend = await openBackend({
  storage: sqlite(file),
  modules: {
    ...modules,
    "./backfill.js": async () => backfill,
    "./convex.config.js": loadConfig,
  },
  components: { aggregate: await component("aggregate"), migrations: await component("migrations") },
  limits: "none",
});
console.log("open");
const status = () => backend.query(api.backfill.status);
if (!(await status()).isDone && (await status()).state !== "inProgress") {
  await backend.mutation(api.backfill.run, {});
}
for (let points = 0; !(await status()).isDone; points++) {
  if ((await status()).state === "failed") throw new Error((await status()).error);
  await backend.mutation(api.writes.change, { points });
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await backend.scheduler.idle();
console.log(JSON.stringify(await backend.query(api.backfill.verdict)));
await backend.close();
