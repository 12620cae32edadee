import { componentsGeneric, queryGeneric as query, mutationGeneric as mutation } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { programFromModules, type Backend } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { call, newStorage, openApp, storageNames, type StorageName } from "../open-app.js";
import { modulesWith, schema } from "./scores-app.js";

interface Score {
  readonly _id: string;
  readonly name: string;
  readonly score: number;
}

type ScoreAggregate = TableAggregate<{ Key: number; DataModel: never; TableName: never }>;

/** The module `aggregates`: an aggregate by score, whose sum is of the scores times a factor. */
function aggregates(factor: number): Record<string, unknown> {
  const byScore = new TableAggregate(
    componentsGeneric()["byScore"] as never,
    {
      table: "scores",
      sortKey: (doc: Score) => doc.score,
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
      await new Promise((resolve) => setTimeout(resolve, 1));
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

test.each(storageNames)("built beside writers, it equals its table (%s)", async (name) => {
  const storage = name === "sqlite" ? newStorage(name) : name;
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
      await new Promise((resolve) => setTimeout(resolve, 1));
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
