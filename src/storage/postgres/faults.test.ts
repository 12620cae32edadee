/** What goes wrong between a process and its database: nothing acknowledged is lost, nothing is there twice. */
import { afterEach, expect, test } from "vitest";
import { FaultyProxy } from "../../../suites/setup/faulty-proxy.js";
import { inNewSchema, newPostgresUrl, PostgresServer, query } from "../../../suites/setup/postgres.js";
import { mutate, put, readAll } from "../../../suites/storage/storage-calls.js";
import type { Commit, Storage } from "../storage.js";
import { postgres, type PostgresOptions } from "./index.js";

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(url: string, options?: PostgresOptions): Promise<Storage> {
  const storage = await postgres(url, options)();
  cleanUps.push(() => storage.close());
  return storage;
}

async function openThroughProxy(url: string): Promise<{ proxy: FaultyProxy; storage: Storage }> {
  const proxy = await FaultyProxy.start(url);
  cleanUps.push(() => proxy.close());
  return { proxy, storage: await open(proxy.url) };
}

async function ownServer(): Promise<PostgresServer> {
  const server = await PostgresServer.start();
  cleanUps.push(() => server.stop());
  return server;
}

async function increment(storage: Storage, key = "count"): Promise<number> {
  return await mutate(storage, async (reader) => [[key, String(Number((await reader.get(key)) ?? 0) + 1)]]);
}

test("a batch whose answer was lost is sent again and happens once, with what was refused of it", async () => {
  const url = await newPostgresUrl();
  const { proxy, storage } = await openThroughProxy(url);
  const other = await open(url);
  const heard: number[] = [];
  storage.onCommit(({ version }) => heard.push(version));
  for (let round = 0; round < 5; round++) {
    proxy.cutAnswers("commit_1");
    await Promise.all([increment(storage), increment(other), increment(storage)]);
  }
  expect(proxy.answersCut).toBe(5);
  await storage.latest();
  expect(await readAll(storage)).toEqual([["count", "15"]]);
  expect(heard.length).toBe(15);
  expect(heard.toSorted((a, b) => a - b)).toEqual(heard);
});

test("the database answers a batch that it gets again with what it did the first time, refusals included", async () => {
  const url = await newPostgresUrl();
  await put(await open(url), [["a", "1"]]);
  const a = String.raw`{"\\x61"}`;
  const none = "{}";
  // The first request read what was written since, the second one writes without having read.
  const batch = [
    ...["8a6e0804-2bd0-4672-b79d-d97027f9071a", "0", "00000000-0000-0000-0000-000000000000", null],
    ...[a, "{0}", none, none, none, none, none],
    ...[String.raw`{"\\x62","\\x63"}`, String.raw`{"\\x31","\\x32"}`, "{0,1}"],
    ...[none, none, none, none, none, none, none, none, none, String.raw`{"\\x00","\\x01"}`],
  ];
  const places = batch.map((_, index) => `$${index + 1}`).join(", ");
  const sql = `SELECT r_version, r_first, r_refused FROM commit_1(${places}) WHERE r_kind > 0`;
  const first = await query(url, sql, batch);
  expect(first).toEqual([expect.objectContaining({ r_refused: [0] })]);
  await put(await open(url), [["a", "2"]]);
  expect(await query(url, sql, batch)).toEqual(first);
  expect(await query(url, "SELECT count(*)::int AS keys FROM entries")).toEqual([{ keys: 2 }]);
});

test("connections that are cut, again and again, lose and double nothing", async () => {
  const url = await newPostgresUrl();
  const { proxy, storage } = await openThroughProxy(url);
  for (let round = 0; round < 10; round++) {
    const all = Array.from({ length: 6 }, () => increment(storage));
    await new Promise((resolve) => {
      setTimeout(resolve, 2 * round);
    });
    proxy.cut();
    await Promise.all(all);
  }
  expect(await readAll(storage)).toEqual([["count", "60"]]);
});

test("a network that is gone makes everything STORAGE_UNAVAILABLE within ten seconds, and comes back by itself", async () => {
  const { proxy, storage } = await openThroughProxy(await newPostgresUrl());
  await put(storage, [["a", "1"]]);
  proxy.stall();
  const beganMs = performance.now();
  const snapshot = await storage.snapshot();
  const unavailable = expect.objectContaining({ code: "STORAGE_UNAVAILABLE" });
  const outcomes = await Promise.allSettled([
    put(storage, [["b", "2"]]),
    (async () => storage.latest())(),
    (async () => storage.reached(storage.version + 1))(),
    snapshot.get("a"),
  ]);
  expect(performance.now() - beganMs).toBeLessThan(20_000);
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason)).toEqual(
    outcomes.map(() => unavailable),
  );
  proxy.resume();
  await put(storage, [["c", "3"]]);
  const keys = (await readAll(storage)).map(([key]) => key);
  // Whether the one that nobody was told of happened is not known.
  expect(keys.filter((key) => key !== "b")).toEqual(["a", "c"]);
});

test("a killed Postgres that comes back has all that was acknowledged, and everybody goes on", async () => {
  const server = await ownServer();
  const url = inNewSchema(server.url);
  const [one, other] = [await open(url), await open(url)];
  let acknowledged = 0;
  let isDone = false;
  const work = [one, other].map(async (storage) => {
    while (!isDone) {
      await increment(storage);
      acknowledged++;
    }
  });
  for (let round = 0; round < 2; round++) {
    await expect.poll(() => acknowledged).toBeGreaterThan(10 * (round + 1));
    server.kill();
    await server.start();
  }
  const before = acknowledged;
  await expect.poll(() => acknowledged).toBeGreaterThan(before + 10);
  isDone = true;
  await Promise.all(work);
  await one.latest();
  expect(await readAll(one)).toEqual([["count", String(acknowledged)]]);
});

test("commits that a failover lost are noticed: everything changes at once, and versions go on above all that were seen", async () => {
  const url = await newPostgresUrl();
  const [one, other] = [await open(url), await open(url)];
  await put(one, [["a", "1"]]);
  const lost = await put(one, [["b", "2"]]);
  await other.reached(lost);
  const under = await one.begin();
  const old = await one.snapshot();
  expect(await under.get("b")).toBe("2");
  const heard: Commit[] = [];
  one.onCommit((commit) => heard.push(commit));
  const warnings: unknown[] = [];
  const onWarning = (warning: unknown): number => warnings.push(warning);
  process.on("warning", onWarning);
  cleanUps.push(async () => void process.off("warning", onWarning));
  await query(
    url,
    `WITH gone AS (DELETE FROM log WHERE version = ${lost}), less AS (DELETE FROM entries WHERE version = ${lost})
     UPDATE clock SET (version, batch) = (SELECT version, batch FROM log WHERE version < ${lost} ORDER BY version DESC LIMIT 1)`,
  );
  await one.latest();
  await other.latest();
  expect(heard[0]?.version).toBeGreaterThan(lost);
  expect(heard[0]?.touched()).toEqual({ keys: [], prefixes: [""], isQuiet: false });
  await expect(
    under.commit({ writes: [["c", "3"]], reads: { keys: new Set(["b"]), ranges: [] } }),
  ).rejects.toMatchObject({ code: "STORAGE_CONFLICT" });
  await expect((async () => old.get("a"))()).rejects.toMatchObject({ code: "SNAPSHOT_TOO_OLD" });
  expect(await put(other, [["d", "4"]])).toBeGreaterThan(lost);
  await one.latest();
  expect(await readAll(one)).toEqual([
    ["a", "1"],
    ["d", "4"],
  ]);
  await expect.poll(() => warnings.length).toBeGreaterThan(0);
  expect(warnings[0]).toMatchObject({ code: "STORAGE_WENT_BACK" });
});
