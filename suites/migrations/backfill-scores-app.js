/**
 * An app that gets aggregates when its table has documents already. `load` fills the table and prints the ids; `backfill`
 * attaches the aggregates and fills them while a second writer inserts, updates and deletes, going on from where the data file
 * stands, so that a test may kill it on the way; `report` prints what the data file has then.
 */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  makeFunctionReference,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { openBackend, sqlite } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { Migrations } from "trueup/migrations";
import migrationsTest from "trueup/migrations/test";
import { Triggers } from "trueup/triggers";

const total = 2000;
const groups = 3;
const loadSize = 500;
const batchSize = 25;

const score = v.object({ group: v.number(), points: v.number() });
const schema = defineSchema({
  scores: defineTable(score),
  /** A row for each document that the migration was given. */
  migrated: defineTable({ id: v.id("scores") }),
});
const plain = {
  "./convex/schema.js": { default: schema },
  "./convex/scores.js": {
    insertMany: mutation(async ({ db }, { scores }) => {
      for (const fields of scores) await db.insert("scores", fields);
    }),
    all: query(({ db }) => db.query("scores").collect()),
    migrated: query(({ db }) => db.query("migrated").collect()),
    /** One of each kind of write; the numbers from 0 to 1 say to which documents. */
    writeSome: mutation(async ({ db }, { fields, changed, removed }) => {
      await db.insert("scores", fields);
      const [first, last] = [
        await db.query("scores").first(),
        await db.query("scores").order("desc").first(),
      ];
      const near = async (place) => {
        const time = first._creationTime + place * (last._creationTime - first._creationTime);
        return await db
          .query("scores")
          .withIndex("by_creation_time", (q) => q.gte("_creationTime", time))
          .first();
      };
      await db.patch((await near(changed))._id, { points: fields.points + 1 });
      await db.delete((await near(removed))._id);
    }),
  },
};

const components = componentsGeneric();
const byPoints = new TableAggregate(components.byPoints, {
  sortKey: (doc) => doc.points,
  sumValue: (doc) => doc.points,
});
const byGroup = new TableAggregate(components.byGroup, {
  namespace: (doc) => doc.group,
  sortKey: (doc) => doc.points,
  sumValue: (doc) => doc.points,
});
const triggers = new Triggers();
triggers.register("scores", byPoints.idempotentTrigger());
triggers.register("scores", byGroup.idempotentTrigger());
const migrations = new Migrations(components.migrations);
const namespaces = Array.from({ length: groups }, (_, namespace) => ({ namespace }));

const attached = {
  ...plain,
  "./convex/aggregates.js": {
    triggers,
    backfill: migrations.define({
      table: "scores",
      batchSize,
      migrateOne: async (ctx, doc) => {
        await ctx.db.insert("migrated", { id: doc._id });
        await byPoints.insertIfDoesNotExist(ctx, doc);
        await byGroup.insertIfDoesNotExist(ctx, doc);
      },
    }),
    run: migrations.runner(makeFunctionReference("aggregates:backfill")),
    answers: query(async (ctx) => {
      const count = await byPoints.count(ctx);
      const offsets = Array.from({ length: Math.ceil(count / 7) }, (_, i) => ({ offset: i * 7 }));
      return {
        count,
        sum: await byPoints.sum(ctx),
        at: (await byPoints.atBatch(ctx, offsets)).map(({ key }) => key),
        last: (await byPoints.at(ctx, -1)).key,
        counts: await byGroup.countBatch(ctx, namespaces),
        sums: await byGroup.sumBatch(ctx, namespaces),
      };
    }),
  },
};

const mounted = { byPoints: aggregateTest, byGroup: aggregateTest, migrations: migrationsTest };

function open(file, modules) {
  return openBackend({
    storage: sqlite(file),
    modules,
    components: modules === attached ? mounted : {},
    limits: "none",
    log: "silent",
  });
}

async function call(backend, path, args = {}, componentPath = "") {
  const outcome = await backend.run({ path, args, componentPath, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

async function statusOf(backend) {
  const [status] = await call(backend, "lib:getStatus", {}, "migrations");
  return status;
}

/** The minimal standard generator: numbers from 0 up to 1, the same for the same seed. */
function seededRandom(seed) {
  let state = (Math.abs(seed) % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Any score; eighths add up without rounding. */
function anyScore(random) {
  return { group: Math.floor(random() * groups), points: Math.floor(random() * 8000) / 8 };
}

async function load(file, random) {
  const backend = await open(file, plain);
  for (let loaded = 0; loaded < total; loaded += loadSize) {
    await call(backend, "scores:insertMany", {
      scores: Array.from({ length: loadSize }, () => anyScore(random)),
    });
  }
  process.stdout.write(JSON.stringify((await call(backend, "scores:all")).map(({ _id }) => _id)));
  await backend.close();
}

/** Attaches the aggregates; a backfill that began in an earlier life goes on by itself. */
async function backfill(file, random) {
  const backend = await open(file, attached);
  process.stdout.write("backfilling\n");
  if ((await statusOf(backend)) === undefined) await call(backend, "aggregates:run");
  while (!(await statusOf(backend)).isDone) {
    await call(backend, "scores:writeSome", {
      fields: anyScore(random),
      changed: random(),
      removed: random(),
    });
  }
  await backend.scheduler.idle();
  await backend.close();
}

async function problemsOf(backend, component, args) {
  const problems = [];
  for (let next = ""; next !== null;) {
    const part = await call(backend, "inspect:validate", { ...args, from: next }, component);
    problems.push(...part.problems);
    next = part.next;
  }
  return problems;
}

async function report(file) {
  const backend = await open(file, attached);
  const problems = await problemsOf(backend, "byPoints", {});
  for (const args of namespaces) problems.push(...(await problemsOf(backend, "byGroup", args)));
  const text = JSON.stringify({
    scores: await call(backend, "scores:all"),
    migrated: (await call(backend, "scores:migrated")).map(({ id }) => id),
    answers: await call(backend, "aggregates:answers"),
    status: await statusOf(backend),
    problems,
  });
  await backend.close();
  process.stdout.write(text);
}

const [, , file, mode, seed] = process.argv;
const modes = { load, backfill, report };
await modes[mode](file, seededRandom(Number(seed)));
