import { setTimeout } from "node:timers/promises";
import { componentsGeneric, queryGeneric as query, mutationGeneric as mutation } from "convex/server";
import { v } from "convex/values";
import { expect, test, vi } from "vitest";
import { programFromModules, type Backend } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { allStorageNames, call, newStorage, openApp, type StorageName } from "../setup/open-app.js";
import { modulesWith, schema } from "./scores-app.js";

interface Score {
  readonly _id: string;
  readonly name: string;
  readonly score: number;
}

type ScoreAggregate = TableAggregate<{ Key: number; DataModel: never; TableName: never }>;

/** The module `aggregates`: an aggregate by score, whose sum is of the scores times a factor. Each item made is told. */
function aggregates(factor: number, onItem: () => void = () => {}): Record<string, unknown> {
  const byScore = new TableAggregate(
    componentsGeneric()["byScore"] as never,
    {
      table: "scores",
      sortKey: (doc: Score) => {
        onItem();
        return doc.score;
      },
      sumValue: (doc: Score) => doc.score * factor,
      version: `times ${factor}`,
    } as never,
  ) as unknown as ScoreAggregate;
  return {
    byScore,
    totals: query({
      handler: async (ctx) => ({
        count: await byScore.count(ctx as never),
        sum: await byScore.sum(ctx as never),
      }),
    }),
    lose: mutation({
      args: { doc: v.any() },
      handler: (ctx, { doc }) => byScore.delete(ctx as never, doc as never),
    }),
    rebuild: mutation({ handler: (ctx) => byScore.clearAll(ctx as never) }),
    countWhenReady: query((ctx) => byScore.count(ctx as never, { whileBuilding: "wait" } as never)),
    change: mutation({
      args: { id: v.id("scores"), score: v.union(v.number(), v.null()) },
      handler: async ({ db }, { id, score }) => {
        if (score === null) await db.delete("scores", id);
        else await db.patch("scores", id, { score });
      },
    }),
  };
}

function modules(exports: Record<string, unknown>): Record<string, never> {
  return modulesWith(exports) as never;
}

async function open(
  storage: StorageName | ReturnType<typeof newStorage>,
  exports: Record<string, unknown>,
  options: { readonly runScheduled?: boolean } = {},
): Promise<Backend> {
  return await openApp(storage, {
    ...options,
    modules: modules(exports),
    schema,
    components: { byScore: aggregateTest },
  });
}

async function putInPlace(app: Backend, exports: Record<string, unknown>): Promise<void> {
  const paths = Object.entries(modules(exports)).map(([path, module]) => [`./convex/${path}.ts`, module]);
  const components = { byScore: aggregateTest };
  await app.activate(await programFromModules({ modules: Object.fromEntries(paths), schema, components }));
}

/** Inserts, changes and deletes until it is told to end. */
function writeOn(app: Backend): { readonly end: () => Promise<number> } {
  let isOver = false;
  let writes = 0;
  const running = (async (): Promise<void> => {
    const ids: string[] = [];
    while (!isOver) {
      ids.push((await call(app, "scores:add", { name: `live ${writes}`, score: writes % 50 })) as string);
      if (writes % 3 === 0) await call(app, "aggregates:change", { id: ids[0], score: writes });
      if (writes % 5 === 0) await call(app, "aggregates:change", { id: ids.shift(), score: null });
      writes += 1;
      await setTimeout(1);
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await running;
      return writes;
    },
  };
}

async function expectRight(app: Backend, factor: number): Promise<void> {
  const documents = (await call(app, "scores:all")) as Score[];
  const sum = documents.reduce((total, { score }) => total + score * factor, 0);
  expect(await call(app, "aggregates:totals")).toEqual({ count: documents.length, sum });
  const result = await app.aggregates.verify("byScore");
  expect(result).toMatchObject({ differences: [], remaining: 0 });
}

test.each(allStorageNames)("built beside writers, it equals its table (%s)", async (name) => {
  const storage = name === "memory" ? name : newStorage(name);
  const app = await open(storage, {});
  await call(app, "scores:addMany", { count: 3000 });
  await putInPlace(app, aggregates(1));
  const writer = writeOn(app);
  const states: string[] = [];
  app.aggregates.onProgress(({ state }) => states.push(state));
  await app.aggregates.ready();
  expect(await writer.end()).toBeGreaterThan(0);
  await expectRight(app, 1);
  expect(await app.aggregates.status("byScore")).toMatchObject({ state: "ready", error: null, drift: 0 });
});

test("built anew beside writers and readers, it answers exactly all the while", async () => {
  const app = await open("memory", aggregates(1));
  await call(app, "scores:addMany", { count: 8000 });
  await app.aggregates.ready();
  const writer = writeOn(app);
  await call(app, "aggregates:rebuild");
  let generation = 1;
  while (generation === 1) {
    const { count, sum } = (await call(app, "aggregates:totals")) as { count: number; sum: number };
    expect(count).toBeGreaterThanOrEqual(8000);
    expect(sum).toBeGreaterThanOrEqual((8000 * 8001) / 2);
    ({ generation } = await app.aggregates.status("byScore"));
    await setTimeout(1);
  }
  await writer.end();
  await expectRight(app, 1);
});

test("a build goes on through a deploy that defines the aggregate as before", async () => {
  const app = await open("memory", {});
  await call(app, "scores:addMany", { count: 7500 });
  const begun = new Promise((resolve) => app.aggregates.onProgress(resolve));
  let items = 0;
  // Slow enough that the build takes several steps.
  const counting = aggregates(1, () => {
    items += 1;
    for (const endMs = performance.now() + 0.1; performance.now() < endMs;);
  });
  await putInPlace(app, counting);
  await begun;
  while (items === 0) await setTimeout(0);
  await putInPlace(app, { ...counting, other: query({ handler: () => null }) });
  await app.aggregates.ready();
  // Each document's item is made twice, to see whether it is the same.
  expect(items).toBe(2 * 7500);
  await expectRight(app, 1);
  expect(await app.aggregates.status("byScore")).toMatchObject({ generation: 1, processed: 7500 });
});

test("a query that waits for an aggregate is answered when it is built", async () => {
  const app = await open("memory", {}, { runScheduled: false });
  await call(app, "scores:addMany", { count: 8000 });
  await call(app, "scores:addMany", { count: 8000 });
  await putInPlace(app, aggregates(1));
  expect(await app.aggregates.status("byScore")).toMatchObject({ state: "building" });
  expect(await call(app, "aggregates:countWhenReady")).toBe(16_000);
});

test("a changed definition takes over without a read that fails or is of the wrong one", async () => {
  const app = await open("memory", aggregates(1));
  await call(app, "scores:addMany", { count: 3000 });
  await app.aggregates.ready();
  const writer = writeOn(app);
  let isPlaced = false;
  const sums: number[] = [];
  const reader = (async (): Promise<void> => {
    while (!isPlaced) {
      const { count, sum } = (await call(app, "aggregates:totals")) as { count: number; sum: number };
      sums.push(sum / count);
      await setTimeout(1);
    }
  })();
  await putInPlace(app, aggregates(10));
  isPlaced = true;
  await reader;
  await writer.end();
  expect(sums.length).toBeGreaterThan(1);
  await expectRight(app, 10);
});

test("what was built is there after a restart, and writes without the aggregate are made up for", async () => {
  const storage = newStorage("sqlite");
  const app = await open(storage, aggregates(1));
  await call(app, "scores:addMany", { count: 100 });
  await app.aggregates.ready();
  await app.close();
  const again = await open(storage, aggregates(1));
  expect(await call(again, "aggregates:totals")).toEqual({ count: 100, sum: 5050 });
  await again.close();
  const without = await open(storage, {});
  await call(without, "scores:add", { name: "unseen", score: 50 });
  await without.close();
  const back = await open(storage, aggregates(1));
  await back.aggregates.ready();
  await expectRight(back, 1);
});

/** Acts as a machine so busy that a second passes between two looks at a clock. */
function starve(): void {
  let gone = 0;
  const now = Date.now.bind(Date);
  vi.spyOn(performance, "now").mockImplementation(() => (gone += 1000));
  vi.spyOn(Date, "now").mockImplementation(() => now() + (gone += 1000));
}

test.each([
  [0, "ready"],
  [1000, "ready"],
  [1001, "building"],
])("a table of %i documents leaves its aggregate %s, however slow the machine is", async (count, state) => {
  const storage = newStorage("sqlite");
  const before = await open(storage, {});
  for (let left = count; left > 0; left -= 500) {
    await call(before, "scores:addMany", { count: Math.min(500, left) });
  }
  await before.close();
  starve();
  const app = await open(storage, aggregates(1), { runScheduled: false });
  vi.restoreAllMocks();
  expect(await app.aggregates.status("byScore")).toMatchObject({ state });
  const told: string[] = [];
  app.aggregates.onProgress((progress) => told.push(progress.state));
  await app.aggregates.ready();
  expect(await call(app, "aggregates:totals")).toMatchObject({ count });
  // A larger one is built step by step, and reports that.
  if (state === "building") expect([told[0], told.at(-1)]).toEqual(["building", "ready"]);
});

test("drift that a write comes upon is told of, and repaired without anybody asking", async () => {
  const app = await open("memory", aggregates(1));
  await call(app, "scores:addMany", { count: 50 });
  const [lost, other] = (await call(app, "scores:all")) as [Score, Score];
  for (const doc of [lost, other]) await call(app, "aggregates:lose", { doc });
  expect(await call(app, "aggregates:totals")).toMatchObject({ count: 48 });
  const told = new Promise((resolve) => app.aggregates.onDrift(resolve));
  await call(app, "aggregates:change", { id: lost._id, score: 70 });
  expect(await told).toMatchObject({
    name: "byScore",
    count: 1,
    documents: [{ id: lost._id, kind: "missing" }],
  });
  await expect
    .poll(() => app.aggregates.status("byScore"))
    .toMatchObject({ state: "ready", drift: 0, drifted: [] });
  expect(await app.aggregates.report("byScore")).toMatchObject({
    startedBy: "drift",
    repair: true,
    differences: [{ id: other._id, kind: "missing", fixed: true }],
  });
  await expectRight(app, 1);
});

test("a component is free for another class once no program manages an aggregate in it", async () => {
  const app = await open("memory", aggregates(1));
  await call(app, "scores:addMany", { count: 5 });
  const plain = new TableAggregate(
    componentsGeneric()["byScore"] as never,
    { sortKey: (doc: Score) => doc.score } as never,
  ) as unknown as ScoreAggregate;
  const counting = { count: query({ handler: (ctx) => plain.count(ctx as never) }) };
  await putInPlace(app, { ...aggregates(1), ...counting });
  await expect(call(app, "aggregates:count")).rejects.toMatchObject({
    data: { code: "AGGREGATE_COMPONENT_SHARED" },
  });
  await putInPlace(app, counting);
  expect(await call(app, "aggregates:count")).toBe(0);
});

test("a query that writes is told so by a code", async () => {
  const exports = aggregates(1);
  const { byScore } = exports as { byScore: ScoreAggregate };
  const app = await open("memory", {
    ...exports,
    write: query({ handler: (ctx) => byScore.insert(ctx as never, {} as never) }),
  });
  await expect(call(app, "aggregates:write")).rejects.toMatchObject({
    data: { code: "AGGREGATE_WRITE_IN_QUERY" },
  });
});
