import { setTimeout } from "node:timers/promises";
import type { DataModelFromSchemaDefinition } from "convex/server";
import { expect, test } from "vitest";
import { programFromModules, type Backend } from "trueup";
import { Triggers } from "trueup/triggers";
import { call, newStorage } from "../setup/open-app.js";
import { fakeAggregate } from "./fake-aggregate.js";
import { emptyComponent, modulesWith, openScores, rows, schema } from "./scores-app.js";

async function putInPlace(app: Backend, exports: Readonly<Record<string, unknown>>): Promise<void> {
  const modules = Object.fromEntries(
    Object.entries(modulesWith(exports)).map(([path, module]) => [`./convex/${path}.ts`, module]),
  );
  const components = { byScore: emptyComponent, byName: emptyComponent };
  await app.activate(await programFromModules({ modules, schema, components }));
}

test("an aggregate that the app exports is built from what is there, and follows every write after", async () => {
  const storage = newStorage("sqlite");
  const before = await openScores(storage, {});
  await call(before, "scores:addMany", { count: 5 });
  await before.close();
  const app = await openScores(storage, { byScore: fakeAggregate() });
  await call(app, "scores:add", { name: "while", score: 100 });
  await app.aggregates.ready();
  expect(await app.aggregates.status("byScore")).toMatchObject({
    name: "byScore",
    table: "scores",
    exportedAs: "aggregates:byScore",
    state: "ready",
    items: 6,
    sum: 115,
  });
  await call(app, "scores:add", { name: "after", score: 1000 });
  expect((await app.aggregates.list()).map(({ items, sum }) => [items, sum])).toEqual([[7, 1115]]);
});

test("it follows whoever writes: functions, triggers without triggers, the host behind all functions", async () => {
  const triggers = new Triggers<DataModelFromSchemaDefinition<typeof schema>>();
  triggers.register("scores", async (ctx, { operation, id, newDoc }) => {
    if (operation === "insert" && newDoc.score < 10) await ctx.innerDb.patch("scores", id, { score: 10 });
  });
  const app = await openScores("memory", { byScore: fakeAggregate(), triggers });
  await call(app, "scores:add", { name: "raised", score: 1 });
  expect(await app.aggregates.status("byScore")).toMatchObject({ items: 1, sum: 10 });
  await app.database.mutate(
    async (tx) => await tx.component("").insert("scores", { name: "import", score: 50 }),
  );
  expect(await app.aggregates.status("byScore")).toMatchObject({ items: 2, sum: 60 });
});

test("a write that an aggregate cannot follow is undone", async () => {
  const value = (doc: Record<string, unknown>): number => {
    if (doc["name"] === "bad") throw new Error("no value");
    return 1;
  };
  const app = await openScores("memory", { byScore: fakeAggregate({ value }) });
  await app.aggregates.ready();
  await expect(call(app, "scores:add", { name: "bad", score: 1 })).rejects.toThrow("no value");
  expect(await rows(app, "scores")).toEqual([]);
});

test("two aggregates that differ cannot share a component; the same one may be exported twice", async () => {
  const one = fakeAggregate();
  const same = await openScores("memory", { one, again: one, copy: fakeAggregate() });
  expect((await same.aggregates.list()).map(({ name }) => name)).toEqual(["byScore"]);
  const differing = { one, other: fakeAggregate({ definition: "2" }) };
  await expect(openScores("memory", differing)).rejects.toMatchObject({
    code: "AGGREGATE_COMPONENT_SHARED",
    details: { component: "byScore", exports: ["aggregates:one", "aggregates:other"] },
  });
});

test("a table or component that is not there is named, with what may have been meant", async () => {
  await expect(openScores("memory", { a: fakeAggregate({ table: "score" }) })).rejects.toMatchObject({
    code: "AGGREGATE_TABLE_MISSING",
    message: expect.stringContaining("Did you mean 'scores'?"),
  });
  await expect(openScores("memory", { a: fakeAggregate({ component: "byScor" }) })).rejects.toMatchObject({
    code: "COMPONENT_MISSING",
    message: expect.stringContaining("Did you mean 'byScore'?"),
  });
});

test("an aggregate that was not followed for a while is built anew", async () => {
  const storage = newStorage("sqlite");
  const first = await openScores(storage, { byScore: fakeAggregate() });
  await call(first, "scores:addMany", { count: 3 });
  await first.aggregates.ready();
  await first.close();
  const without = await openScores(storage, {});
  await call(without, "scores:add", { name: "unseen", score: 10 });
  await without.close();
  const again = await openScores(storage, { byScore: fakeAggregate() });
  await again.aggregates.ready();
  expect(await again.aggregates.status("byScore")).toMatchObject({ items: 4, sum: 16 });
  await again.close();
  const same = await openScores(storage, { byScore: fakeAggregate() });
  expect((await rows(same, "generations")).map(({ status }) => status)).toEqual(["dropped", "ready"]);
});

test("a changed definition is built beside the one that answers, while both follow, and taken over at once", async () => {
  const app = await openScores("memory", { byScore: fakeAggregate() });
  await call(app, "scores:addMany", { count: 40 });
  await app.aggregates.ready();
  const double = fakeAggregate({ definition: "2", value: (doc) => 2 * Number(doc["score"]) });
  const placing = putInPlace(app, { byScore: double });
  let writes = 0;
  for (let isPlaced = false; !isPlaced; writes += 1) {
    await call(app, "scores:add", { name: `w${writes}`, score: 1 });
    isPlaced = await Promise.race([placing.then(() => true), setTimeout(1, false)]);
  }
  expect(writes).toBeGreaterThan(2);
  const status = await app.aggregates.status("byScore");
  expect(status).toMatchObject({
    state: "ready",
    definition: "2",
    items: 40 + writes,
    sum: 1640 + 2 * writes,
  });
  expect((await rows(app, "generations")).map(({ definition, status: s }) => [definition, s])).toEqual([
    ["1", "dropped"],
    ["2", "ready"],
  ]);
});

test("a definition that cannot be built keeps its program out, and the old one goes on", async () => {
  const app = await openScores("memory", { byScore: fakeAggregate() });
  await call(app, "scores:addMany", { count: 3 });
  await app.aggregates.ready();
  const broken = fakeAggregate({
    definition: "2",
    value: () => {
      throw new Error("no such field");
    },
  });
  await expect(putInPlace(app, { byScore: broken })).rejects.toMatchObject({
    code: "AGGREGATE_BUILD_FAILED",
    message: expect.stringContaining("no such field"),
  });
  await call(app, "scores:add", { name: "after", score: 1 });
  expect(await app.aggregates.status("byScore")).toMatchObject({ definition: "1", state: "ready", items: 4 });
  expect((await rows(app, "generations")).map(({ status }) => status)).toEqual(["ready", "dropped"]);
});

test("an error puts the work off, is shown until it is over, and survives a restart", async () => {
  const storage = newStorage("sqlite");
  let failures = 2;
  const onAdvance = (): void => {
    if (failures > 0) throw new Error(`stumbled, ${(failures -= 1)} to go`);
  };
  const app = await openScores(storage, { byScore: fakeAggregate({ onAdvance }) });
  await app.aggregates.ready();
  expect(await app.aggregates.status("byScore")).toMatchObject({ state: "ready", error: null });
  await app.close();

  failures = Infinity;
  const failing = await openScores(storage, {
    byScore: fakeAggregate({ definition: "2", onAdvance: () => fail("for good") }),
  });
  await expect(failing.aggregates.ready()).rejects.toMatchObject({ code: "AGGREGATE_BUILD_FAILED" });
  await failing.close();
  const idle = await openScores(
    storage,
    { byScore: fakeAggregate({ definition: "2", onAdvance: () => fail("still") }) },
    { runScheduled: false },
  );
  expect(await idle.aggregates.status("byScore")).toMatchObject({ state: "building", error: "for good" });
});

test("verify and repair run to their end, one aggregate or all, even where nothing runs by itself", async () => {
  const app = await openScores("memory", { byScore: fakeAggregate() }, { runScheduled: false });
  await call(app, "scores:addMany", { count: 3 });
  const result = await app.aggregates.verify("byScore");
  expect(result).toMatchObject({ name: "byScore", repair: false, counts: { missing: 0 }, startedBy: "host" });
  expect(await app.aggregates.repair()).toMatchObject([{ name: "byScore", repair: true }]);
  expect(await app.aggregates.status("byScore")).toMatchObject({ drift: 0, items: 3 });
  await expect(app.aggregates.verify("byscore")).rejects.toMatchObject({
    code: "AGGREGATE_NOT_FOUND",
    details: { names: ["byScore"] },
  });
});

test("verifyEvery is counted from the last time, across restarts", async () => {
  const storage = newStorage("sqlite");
  const runs = async (verifyEveryMs: number): Promise<unknown[]> => {
    const app = await openScores(storage, { byScore: fakeAggregate({ verifyEveryMs }) });
    await app.aggregates.ready();
    if (verifyEveryMs === 1) await expect.poll(() => rows(app, "runs")).not.toEqual([]);
    await setTimeout(30);
    const found = await rows(app, "runs");
    await app.close();
    return found.map(({ startedBy }) => startedBy);
  };
  expect(await runs(3_600_000)).toEqual([]);
  expect(await runs(1)).toContain("schedule");
  const count = (await runs(3_600_000)).length;
  expect(await runs(3_600_000)).toHaveLength(count);
});

function fail(message: string): never {
  throw new Error(message);
}
