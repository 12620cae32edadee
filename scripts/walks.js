/**
 * `npm run walks` counts how far a reader has to walk through the built package to follow one warm call: the files and the
 * functions that V8 enters for it. Each path is taken three times before, so that what happens once, such as loading, is not
 * counted. `npm run walks -- --list count` prints the functions of one path, file by file.
 */
import { Session } from "node:inspector";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { memory, openBackend, programFromModules } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { Migrations } from "trueup/migrations";
import migrationsTest from "trueup/migrations/test";

const { values } = parseArgs({ options: { list: { type: "string" }, json: { type: "boolean" } } });
const documents = 1000;
let seen = 0;

const components = componentsGeneric();
const byPoints = new TableAggregate(components.byPoints, {
  table: "scores",
  sortKey: (doc) => doc.points,
  sumValue: (doc) => doc.points,
});
const migrations = new Migrations(components.migrations);
const source = {
  modules: {
    "./convex/schema.js": {
      default: defineSchema({
        scores: defineTable({ points: v.number(), doubled: v.optional(v.number()) }),
      }),
    },
    "./convex/scores.js": {
      insertMany: mutation(async ({ db }) => {
        for (let points = 0; points < documents; points += 1) await db.insert("scores", { points });
      }),
      insert: mutation(async ({ db }) => {
        await db.insert("scores", { points: 7 });
      }),
      get: query(async ({ db }) => await db.query("scores").first()),
      count: query(async (ctx) => await byPoints.count(ctx)),
    },
    "./convex/aggregates.js": { byPoints },
    "./convex/migrations.js": {
      run: migrations.runner(),
      double: migrations.define({
        table: "scores",
        batchSize: 10,
        migrateOne: (_ctx, doc) => {
          seen += 1;
          // From the middle of one batch to the middle of a later one: all that a batch enters.
          if (seen === documents / 4) begin();
          if (seen === documents / 2) end();
          return { doubled: doc.points * 2 };
        },
      }),
    },
  },
  components: { byPoints: aggregateTest, migrations: migrationsTest },
};

const backend = await openBackend({ storage: memory(), ...source, limits: "none", log: "silent" });
const run = async (path, args = {}) => {
  const outcome = await backend.run({ path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
};
await run("scores:insertMany");
await backend.aggregates.ready();

const session = new Session();
session.connect();
let entered = [];

/** What V8 has entered since it was asked last. A session within the process answers at once. */
function taken() {
  let coverage = [];
  session.post("Profiler.takePreciseCoverage", (error, answer) => {
    if (error !== null) throw error;
    coverage = answer.result;
  });
  return coverage;
}

function begin() {
  taken();
}

function end() {
  entered = taken()
    .filter(({ url }) => url.includes("/dist/"))
    .map(({ url, functions }) => ({
      file: url.slice(url.indexOf("/dist/") + "/dist/".length),
      functions: functions
        .filter(({ ranges }) => ranges[0].count > 0)
        .map(({ functionName }) => functionName || "(anonymous)"),
    }))
    .filter(({ functions }) => functions.length > 0);
}

async function walk(path) {
  begin();
  await path();
  end();
}

const program = await programFromModules(source);
const paths = {
  "a query": () => walk(() => run("scores:get")),
  count: () => walk(() => run("scores:count")),
  "an insert that an aggregate follows": () => walk(() => run("scores:insert")),
  "a migration's batch": async () => {
    seen = 0;
    await run("migrations:run", { fn: "migrations:double", reset: true });
    while (seen < documents) await setTimeout(1);
  },
  "a deploy that changes nothing": () => walk(() => backend.activate(program)),
};

session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
const rows = {};
for (const [name, path] of Object.entries(paths)) {
  for (let times = 0; times < 4; times += 1) await path();
  rows[name] = {
    files: entered.length,
    functions: entered.flatMap(({ functions }) => functions).length,
  };
  if (values.list === name) for (const { file, functions } of entered) console.log(file, functions.join(" "));
}
await backend.close();
if (values.json === true) console.log(JSON.stringify(rows));
else console.table(rows);
