import { expect, test } from "vitest";
import { Database, type QueryTransaction } from "../database/index.js";
import { memory } from "../storage/memory/index.js";
import { LiveQueries, type LiveQuerySet } from "./live-queries.js";

interface Setup {
  readonly database: Database;
  readonly live: LiveQueries<string, unknown>;
  readonly runs: string[];
  readonly insert: (table: string) => Promise<number>;
}

/** A call is the name of a table; its outcome is how many documents the table has. */
async function setUp(beforeRun?: () => Promise<unknown>): Promise<Setup> {
  const database = await Database.open(await memory()());
  const runs: string[] = [];
  const count = async (tx: QueryTransaction, tableName: string): Promise<number> => {
    const source = { type: "FullTableScan", tableName, order: null } as const;
    return (await tx.component("").stream({ source, operators: [] }).take(Infinity)).length;
  };
  const live = new LiveQueries<string, unknown>(
    database,
    async (table) => {
      runs.push(table);
      const { value, version, readSet } = await database.query(async (tx) => {
        const counted = await count(tx, table);
        await beforeRun?.();
        return counted;
      });
      return { outcome: value, version, readSet };
    },
    (call) => call,
  );
  const insert = async (table: string): Promise<number> => {
    const { version } = await database.mutate((tx) => tx.component("").insert(table, {}));
    return version;
  };
  return { database, live, runs, insert };
}

async function outcomes(set: LiveQuerySet<string, unknown>, atLeast = 0): Promise<unknown> {
  return Object.fromEntries((await set.settle(atLeast)).outcomes);
}

test("a query is run again when a commit touches what it read, and only then", async () => {
  const { live, runs, insert } = await setUp();
  await insert("a");
  await insert("b");
  let told = 0;
  const set = live.open(() => (told += 1));
  set.add(1, "a");
  expect(await outcomes(set)).toEqual({ 1: 1 });
  const other = await insert("b");
  expect(told).toBe(0);
  expect(await outcomes(set, other)).toEqual({ 1: 1 });
  expect(runs).toEqual(["a"]);
  const own = await insert("a");
  expect(told).toBe(1);
  expect(await outcomes(set, own)).toEqual({ 1: 2 });
  expect(runs).toEqual(["a", "a"]);
});

test("clients that watch the same query share one run", async () => {
  const { live, runs, insert } = await setUp();
  await insert("a");
  const sets = [live.open(() => {}), live.open(() => {}), live.open(() => {})];
  for (const set of sets) set.add(7, "a");
  expect(await Promise.all(sets.map((set) => outcomes(set)))).toEqual([{ 7: 1 }, { 7: 1 }, { 7: 1 }]);
  expect(runs).toEqual(["a"]);
});

test("outcomes are never older than asked for", async () => {
  const { live, insert } = await setUp();
  const set = live.open(() => {});
  set.add(1, "a");
  await outcomes(set);
  for (let n = 1; n <= 20; n++) {
    const version = await insert("a");
    const settled = await set.settle(version);
    expect(settled.version).toBeGreaterThanOrEqual(version);
    expect(settled.outcomes.get(1)).toBe(n);
  }
});

test("a commit during a run makes its outcome stale", async () => {
  let interfere = true;
  const setup = await setUp(async () => {
    if (!interfere) return;
    interfere = false;
    await setup.insert("a");
  });
  const set = setup.live.open(() => {});
  set.add(1, "a");
  await set.settle(0);
  await expect.poll(() => outcomes(set)).toEqual({ 1: 1 });
});

test("several outcomes are right at one commit, while every commit changes two tables alike", async () => {
  const { database, live } = await setUp();
  const both = async (): Promise<unknown> =>
    await database.mutate(async (tx) => {
      await tx.component("").insert("a", {});
      await tx.component("").insert("b", {});
    });
  await both();
  const set = live.open(() => {});
  set.add(1, "a");
  set.add(2, "b");
  let writes: Promise<unknown> = Promise.resolve();
  for (let round = 0; round < 30; round++) {
    writes = Promise.all([writes, both()]);
    const { outcomes: found } = await set.settle(0);
    expect(found.get(1)).toBe(found.get(2));
  }
  await writes;
});

test("other code makes every outcome be computed again", async () => {
  const { live, runs } = await setUp();
  let told = 0;
  const set = live.open(() => (told += 1));
  set.add(1, "a");
  await outcomes(set);
  live.invalidateAll();
  expect(told).toBe(1);
  await outcomes(set);
  expect(runs).toEqual(["a", "a"]);
});

test("a query that nobody watches any more is forgotten", async () => {
  const { live, runs, insert } = await setUp();
  const set = live.open(() => {});
  set.add(1, "a");
  await outcomes(set);
  set.remove(1);
  await insert("a");
  expect(await outcomes(set)).toEqual({});
  set.add(2, "a");
  expect(await outcomes(set)).toEqual({ 2: 1 });
  expect(runs).toEqual(["a", "a"]);
});
