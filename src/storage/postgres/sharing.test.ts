/** Several openings of one schema, as several processes have them. */
import { afterEach, expect, test } from "vitest";
import { newPostgresUrl, query } from "../../../suites/setup/postgres.js";
import { put, readAll } from "../../../suites/storage/storage-calls.js";
import type { Commit, Reads, Storage } from "../storage.js";
import { postgres, type PostgresOptions } from "./index.js";

const opened: Storage[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((storage) => storage.close()));
});

async function openings(count: number, options?: PostgresOptions): Promise<{ url: string; all: Storage[] }> {
  const url = await newPostgresUrl();
  const all = await Promise.all(Array.from({ length: count }, () => postgres(url, options)()));
  opened.push(...all);
  return { url, all };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`There is no ${index}.`);
  return found;
}

const readKeys = (...keys: string[]): Reads => ({ keys: new Set(keys), ranges: [] });
const conflict = { code: "STORAGE_CONFLICT" };

test("several that open a schema at once find one set of tables", async () => {
  const { url, all } = await openings(5);
  await Promise.all(all.map((storage, index) => put(storage, [[`k${index}`, "v"]])));
  for (const storage of all) {
    await storage.latest();
    expect((await readAll(storage)).length).toBe(5);
  }
  expect(await query(url, "SELECT count(*)::int AS clocks FROM clock")).toEqual([{ clocks: 1 }]);
});

test("what others wrote, added to, deleted or touched since is refused by key and by range, and blind writes are not", async () => {
  const { all } = await openings(2);
  const [one, other] = [at(all, 0), at(all, 1)];
  await put(one, [
    ["a", "1"],
    ["m", "1"],
  ]);
  await other.latest();
  const ranges = (start: string, end: string): Reads => ({ keys: new Set(), ranges: [{ start, end }] });
  const cases: [read: Reads, isRefused: boolean][] = [
    [readKeys("a"), true],
    [readKeys("n"), true],
    [readKeys("m"), true],
    [readKeys("t"), true],
    [ranges("e", "g"), true],
    [ranges("m", "m\u0000"), true],
    [ranges("b", "f"), false],
    [readKeys("absent"), false],
    [readKeys(), false],
  ];
  for (const [reads, isRefused] of cases) {
    const begun = await Promise.all(cases.map(() => one.begin()));
    const transaction = at(begun, 0);
    for (const unused of begun.slice(1)) unused.rollback();
    const foreign = await other.begin();
    await foreign.commit({
      writes: [
        ["a", "2"],
        ["f", "new"],
        ["m", undefined],
      ],
      adds: [["n", [1]]],
      touched: () => ({ keys: ["t"], prefixes: [], isQuiet: false }),
    });
    const committed = transaction.commit({ writes: [["a", "3"]], reads });
    if (isRefused) await expect(committed).rejects.toMatchObject(conflict);
    else await committed;
    await other.latest();
  }
});

test("adds of all sum up and never conflict, and stamps rise with versions, in keys and in values", async () => {
  const { all } = await openings(3);
  await Promise.all(
    all.flatMap((storage) =>
      Array.from({ length: 20 }, async () => {
        const transaction = await storage.begin();
        await transaction.commit({
          writes: [["s12345678", "[123456789012]"]],
          stamps: [
            { write: 0, part: "key", offset: 1 },
            { write: 0, part: "value", offset: 1 },
          ],
          adds: [["n", [1, -40]]],
        });
      }),
    ),
  );
  const storage = at(all, 0);
  await storage.latest();
  const entries = await readAll(storage);
  expect(entries[0]).toEqual(["n", "60,-2400"]);
  const stamped = entries.slice(1).map(([key, value]) => {
    const inKey = Buffer.from(key.slice(1), "latin1").readBigInt64BE();
    const inValue = Buffer.from(value.slice(1, 13), "base64").readBigInt64LE();
    expect(inValue).toBe(inKey);
    return inKey;
  });
  expect(new Set(stamped).size).toBe(60);
});

test("every opening hears of every commit once, in one order, as it was made", async () => {
  const { all } = await openings(3);
  const heard = all.map((storage) => {
    const commits: Commit[] = [];
    storage.onCommit((commit) => commits.push(commit));
    return commits;
  });
  const long = "x".repeat(10_000);
  await Promise.all(
    all.flatMap((storage, index) =>
      Array.from({ length: 10 }, async (_, round) => {
        const transaction = await storage.begin();
        await transaction.commit({
          writes: [
            [`k${index}`, String(round)],
            [`long${index}`, long],
            ["gone", undefined],
            ["t12345678", "v"],
          ],
          stamps: [{ write: 3, part: "key", offset: 1 }],
          adds: [["n", [1]]],
          touched: () => ({ keys: ["touched"], prefixes: ["p"], isQuiet: round === 0 }),
        });
      }),
    ),
  );
  for (const storage of all) await storage.latest();
  const told = heard.map((commits) =>
    commits.map(({ version, writes, adds, touched }) => ({
      version,
      writes: writes.map(([key, value]) => [key, value === null ? long : value]),
      adds,
      touched: touched(),
    })),
  );
  expect(told[0]?.length).toBe(30);
  expect(told[1]).toEqual(told[0]);
  expect(told[2]).toEqual(told[0]);
  expect(heard.map((commits) => commits.filter(({ isOwn }) => isOwn).length)).toEqual([10, 10, 10]);
});

test("a version that one opening names is read in another, while it is overwritten and deleted, until it is too old", async () => {
  const { all, url } = await openings(2, { historyMs: 100_000 });
  const [one, other] = [at(all, 0), at(all, 1)];
  const entries: [string, string][] = [
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ];
  const version = await put(one, entries);
  await put(one, [
    ["a", "10"],
    ["d", "4"],
  ]);
  const deleting = await one.begin();
  await deleting.commit({ writes: [["b", undefined]] });
  await other.latest();
  const snapshot = await other.snapshotAt?.(version);
  expect(await snapshot?.scan({ start: "" })).toEqual(entries);
  expect(await snapshot?.scan({ start: "" }, { reverse: true, limit: 2 })).toEqual(
    entries.toReversed().slice(0, 2),
  );
  expect(await snapshot?.getMany(["d", "b", "a"])).toEqual([undefined, "2", "1"]);
  await query(url, "SELECT * FROM trim_1(-1000000, 1)");
  await expect(snapshot?.get("a")).rejects.toMatchObject({ code: "SNAPSHOT_TOO_OLD" });
});

test("keys of any length are apart and in order, in reads, ranges, histories and conflicts", async () => {
  const { all } = await openings(2);
  const [one, other] = [at(all, 0), at(all, 1)];
  const start = "k".repeat(2500);
  const keys = [
    start.slice(1),
    start,
    `${start}\u0000`,
    `${start}a`,
    `${start}${"b".repeat(5000)}`,
    `${start}c`,
    "l",
  ];
  keys.sort((a, b) => (a < b ? -1 : 1));
  await put(
    one,
    keys.map((key, index) => [key, String(index)]),
  );
  const before = await one.snapshot();
  await put(
    one,
    keys.map((key) => [key, "new"]),
  );
  const numbered = keys.map((key, index) => [key, String(index)]);
  for (let limit = 1; limit <= keys.length; limit++) {
    expect(await before.scan({ start: "" }, { limit })).toEqual(numbered.slice(0, limit));
    expect(await before.scan({ start: "" }, { limit, reverse: true })).toEqual(
      numbered.toReversed().slice(0, limit),
    );
  }
  expect(await before.scan({ start: `${start}a`, end: `${start}c` })).toEqual(numbered.slice(3, 5));
  expect(await before.getMany(keys)).toEqual(numbered.map(([, value]) => value));
  await other.latest();
  const transaction = await other.begin();
  await put(one, [[at(keys, 4), "newest"]]);
  await expect(
    transaction.commit({ writes: [["x", ""]], reads: readKeys(at(keys, 4)) }),
  ).rejects.toMatchObject(conflict);
  const deleting = await one.begin();
  await deleting.commit({ writes: keys.map((key) => [key, undefined]) });
  expect(await readAll(one)).toEqual([]);
  expect((await one.check?.())?.damages).toEqual([]);
});

test("who slept for longer than the log goes back begins anew", async () => {
  const { all, url } = await openings(2);
  const [one, sleeper] = [at(all, 0), at(all, 1)];
  await put(one, [["a", "1"]]);
  await sleeper.latest();
  const heard: Commit[] = [];
  sleeper.onCommit((commit) => heard.push(commit));
  const transaction = await sleeper.begin();
  await query(
    url,
    `WITH moved AS (UPDATE clock SET version = version + 10, horizon = version + 5, batch = gen_random_uuid() RETURNING *)
     INSERT INTO log SELECT version, version, batch, '{}', '{}', '' FROM moved`,
  );
  await query(url, "DELETE FROM log WHERE version < (SELECT version FROM clock)");
  await sleeper.latest();
  expect(heard.map(({ touched }) => touched().prefixes)).toEqual([[""]]);
  await expect(transaction.commit({ writes: [["b", ""]], reads: readKeys("a") })).rejects.toMatchObject(
    conflict,
  );
  await put(sleeper, [["c", "3"]]);
});
