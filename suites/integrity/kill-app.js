/**
 * Runs an app with a managed aggregate that kills itself in the middle of the work on it: so many commits after a stage has
 * begun, its own and a writer's counted. `prepare` makes data files to begin from; each stage works on one
 * of them; `finish` opens what a killed process left, lets the engine complete it, and prints what there is then.
 */
import { setTimeout } from "node:timers/promises";
import { writeSync } from "node:fs";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";
import { openBackend, programFromModules, sqlite } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";

const documents = 1500;
/** More than are built in the transaction that begins a build. */
const manyDocuments = 9000;
const loadSize = 1500;
const damaged = 6;
const groups = 4;

const score = v.object({ group: v.number(), points: v.number() });
const schema = defineSchema({ scores: defineTable(score) });
const component = componentsGeneric().byPoints;

/** The program without the aggregate, or with a version of it: the sums are of the points times the version. */
function source(version) {
  const plain = {
    "./convex/schema.js": { default: schema },
    "./convex/scores.js": {
      insertMany: mutation(async ({ db }, { scores }) => {
        for (const fields of scores) await db.insert("scores", fields);
      }),
      all: query(({ db }) => db.query("scores").collect()),
      /** One of each kind of write, on documents that came after those that are damaged. */
      writeSome: mutation(async ({ db }, { fields, change, remove }) => {
        const id = await db.insert("scores", fields);
        if (change !== null) await db.patch(change, { points: fields.points + 1 });
        if (remove !== null) await db.delete(remove);
        return id;
      }),
    },
  };
  const components = { byPoints: aggregateTest };
  if (version === 0) return { modules: plain, components };
  const byPoints = new TableAggregate(component, {
    table: "scores",
    version,
    namespace: (doc) => doc.group,
    sortKey: (doc) => doc.points,
    sumValue: (doc) => doc.points * version,
  });
  const attached = {
    byPoints,
    /** Takes items away, or gives them another sum, behind the engine's back. */
    damage: mutation(async (ctx) => {
      const docs = await ctx.db.query("scores").take(damaged);
      const operations = docs.map((doc, index) => {
        const place = { namespace: doc.group, key: doc.points, id: doc._id };
        return index % 2 === 0
          ? { type: "deleteIfExists", ...place }
          : { type: "put", ...place, sumValue: -1 };
      });
      await ctx.runMutation(component.managed.follow, { definition: `scores@${version}`, operations });
    }),
    answers: query(async (ctx) => {
      const namespaces = Array.from({ length: groups }, (_, namespace) => ({ namespace }));
      return {
        counts: await byPoints.countBatch(ctx, namespaces),
        sums: await byPoints.sumBatch(ctx, namespaces),
      };
    }),
  };
  return { modules: { ...plain, "./convex/aggregates.js": attached }, components };
}

async function open(file, version) {
  return await openBackend({ storage: sqlite(file), ...source(version), limits: "none", log: "silent" });
}

async function call(backend, path, args = {}) {
  const outcome = await backend.run({ path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

/** Any score; eighths add up without rounding. */
function anyScore() {
  return { group: Math.floor(Math.random() * groups), points: Math.floor(Math.random() * 8000) / 8 };
}

/** Writes until the process ends. */
async function writeOn(backend) {
  const own = [];
  for (let i = 0; ; i += 1) {
    const change = i % 2 === 0 ? (own.at(0) ?? null) : null;
    const remove = i % 3 === 0 ? (own.splice(1, 1)[0] ?? null) : null;
    own.push(await call(backend, "scores:writeSome", { fields: anyScore(), change, remove }));
    await setTimeout(1);
  }
}

/** Kills the process at the commit that comes after this many. */
function dieAfter(backend, commits) {
  let seen = 0;
  backend.onCommit(() => {
    seen += 1;
    if (seen > commits) process.kill(process.pid, "SIGKILL");
  });
}

const stages = {
  async build(file, commits) {
    const backend = await open(file, 1);
    const { state } = await backend.aggregates.status("byPoints");
    writeSync(process.stdout.fd, state);
    dieAfter(backend, commits);
    void writeOn(backend);
    await backend.aggregates.ready();
  },
  async swap(file, commits) {
    const backend = await open(file, 1);
    await backend.aggregates.ready();
    void writeOn(backend);
    dieAfter(backend, commits);
    await backend.activate(await programFromModules(source(2)));
    await backend.aggregates.ready();
  },
  async verify(file, commits) {
    const backend = await open(file, 1);
    await backend.aggregates.ready();
    void writeOn(backend);
    dieAfter(backend, commits);
    await backend.aggregates.verify("byPoints");
  },
  async repair(file, commits) {
    const backend = await open(file, 1);
    await backend.aggregates.ready();
    void writeOn(backend);
    dieAfter(backend, commits);
    await backend.aggregates.repair("byPoints");
  },
};

/** `plain`: documents only. `built`: with the aggregate. `damaged`: some of its items are wrong. */
async function prepare(folder) {
  for (const [name, version, count] of [
    ["plain", 0, manyDocuments],
    ["built", 1, documents],
    ["damaged", 1, documents],
  ]) {
    const backend = await open(`${folder}/${name}.sqlite`, version);
    for (let loaded = 0; loaded < count; loaded += loadSize) {
      await call(backend, "scores:insertMany", { scores: Array.from({ length: loadSize }, anyScore) });
    }
    if (version === 1) await backend.aggregates.ready();
    if (name === "damaged") await call(backend, "aggregates:damage");
    await backend.close();
  }
}

async function finish(file, version, task) {
  const backend = await open(file, version);
  await backend.aggregates.ready();
  const found = task === "none" ? null : await backend.aggregates[task]("byPoints");
  const after = await backend.aggregates.verify("byPoints");
  const text = JSON.stringify({
    scores: await call(backend, "scores:all"),
    answers: await call(backend, "aggregates:answers"),
    status: await backend.aggregates.status("byPoints"),
    found: found?.counts ?? null,
    after: after.differences,
  });
  await backend.close();
  process.stdout.write(text);
}

const [, , mode, file, ...rest] = process.argv;
if (mode === "prepare") await prepare(file);
else if (mode === "finish") await finish(file, Number(rest[0]), rest[1]);
else {
  await stages[mode](file, Number(rest[0]));
  process.stdout.write("lived");
  process.exit(0);
}
