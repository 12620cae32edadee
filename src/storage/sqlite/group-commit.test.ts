import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { observedDriver } from "../../../suites/setup/observed-driver.js";
import { seededRandom } from "../../../suites/setup/random.js";
import { RecordedLog } from "../../../suites/storage/recorded-log.js";
import { mutate, put, readAll } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import type { Storage, Write } from "../storage.js";
import { loadDriver } from "./driver/load-driver.js";
import { openSqlite, type SqliteOptions } from "./sqlite-storage.js";

const inFolder = temporaryFolder();
let files = 0;

// A group that is 2 ms old is committed at once, and on a busy machine a group may be that old before anybody else comes.
beforeEach(() => {
  vi.spyOn(performance, "now").mockReturnValue(performance.now());
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Opens a storage whose statements are watched from then on, and fail when `before` throws; the disk is quick. */
async function observedStorage(before: (sql: string) => void, options: SqliteOptions = {}): Promise<Storage> {
  let isWatching = false;
  const driver = observedDriver(await loadDriver(), (sql) => {
    if (isWatching) before(sql);
  });
  const storage = openSqlite(driver, inFolder(`${files++}.sqlite`), options, new RecordedLog().open);
  isWatching = true;
  return storage;
}

class DiskFull extends Error {}

/** A storage whose COMMITs fail, as on a full disk, while `isFull` is set. */
async function fillableStorage(): Promise<{ storage: Storage; disk: { isFull: boolean } }> {
  const disk = { isFull: false };
  const driver = await loadDriver();
  const observed = observedDriver(driver, (sql) => {
    if (disk.isFull && sql === "COMMIT") throw new DiskFull();
  });
  const storage = openSqlite(
    {
      ...observed,
      resultCodeOf: (error) => (error instanceof DiskFull ? 13 : driver.resultCodeOf(error)),
    },
    inFolder(`${files++}.sqlite`),
    {},
  );
  return { storage, disk };
}

const increment = (storage: Storage): Promise<number> =>
  mutate(storage, async (reader) => [["count", String(Number((await reader.get("count")) ?? 0) + 1)]]);

test("mutations that wait for each other share one commit", async () => {
  let commits = 0;
  const storage = await observedStorage((sql) => {
    if (sql === "COMMIT") commits++;
  });
  await Promise.all(Array.from({ length: 20 }, () => increment(storage)));
  expect(await readAll(storage)).toEqual([["count", "20"]]);
  expect(commits).toBeLessThanOrEqual(3);
  await storage.close();
});

test("with relaxed durability, mutations that come alone in one turn of the event loop share a commit", async () => {
  let commits = 0;
  const count = (sql: string): void => {
    if (sql === "COMMIT") commits++;
  };
  const storage = await observedStorage(count, { durability: "relaxed" });
  // Each runs to its end before the next one is called, as calls do that come over connections of their own.
  const inOneTurn = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 20 }, () =>
        new Promise((resolve) => {
          setImmediate(resolve);
        }).then(() => increment(storage)),
      ),
    );
  await inOneTurn();
  const before = commits;
  await inOneTurn();
  expect(await readAll(storage)).toEqual([["count", "40"]]);
  expect(commits - before).toBeLessThanOrEqual(3);
  await storage.close();
});

test("a mutation that nobody waits for is committed within its own call, without a timer", async () => {
  const statements: string[] = [];
  const storage = await observedStorage((sql) => statements.push(sql));
  const transaction = await storage.begin();
  void transaction.commit({ writes: [["a", "1"]] });
  expect(statements.at(-1)).toBe("COMMIT");
  expect(storage.version).toBeGreaterThan(0);
  await storage.close();
});

test("a commit is acknowledged though the next transaction takes its time", async () => {
  const { storage } = await fillableStorage();
  const first = await storage.begin();
  const waiting = storage.begin();
  const acknowledged = first.commit({ writes: [["a", "1"]] });
  const second = await waiting;
  expect(await second.get("a")).toBe("1");
  await acknowledged;
  expect(await readAll(storage)).toEqual([["a", "1"]]);
  expect(await second.get("a")).toBe("1");
  await second.commit({ writes: [["b", "2"]] });
  expect(await readAll(storage)).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
  await storage.close();
});

test("a snapshot does not see what is applied but not yet durable", async () => {
  const { storage } = await fillableStorage();
  const first = await storage.begin();
  const waiting = storage.begin();
  const before = await storage.snapshot();
  const acknowledged = first.commit({ writes: [["a", "1"]] });
  const during = await storage.snapshot();
  expect([before.version, during.version]).toEqual([0, 0]);
  expect(await before.get("a")).toBeUndefined();
  expect(await during.get("a")).toBeUndefined();
  expect(await (await waiting).get("a")).toBe("1");
  await acknowledged;
  expect(await before.get("a")).toBeUndefined();
  (await waiting).rollback();
  before.release();
  during.release();
  expect(await readAll(storage)).toEqual([["a", "1"]]);
  await storage.close();
});

test("a first snapshot taken while a group is open sees the durable version, and keeps it", async () => {
  const { storage } = await fillableStorage();
  const first = await storage.begin();
  const waiting = storage.begin();
  const acknowledged = first.commit({ writes: [["a", "1"]] });
  const during = await storage.snapshot();
  expect([during.version, await during.get("a")]).toEqual([0, undefined]);
  (await waiting).rollback();
  await acknowledged;
  expect(await during.get("a")).toBeUndefined();
  during.release();
  await storage.close();
});

test("whatever fails at random, the data is what the acknowledged mutations made it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      let isFailing = false;
      const driver = await loadDriver();
      const observed = observedDriver(driver, (sql) => {
        const share = sql === "COMMIT" ? 0.3 : sql.startsWith("INSERT") ? 0.05 : 0;
        if (isFailing && random() < share) throw new DiskFull();
      });
      const storage = openSqlite(
        { ...observed, resultCodeOf: (error) => (error instanceof DiskFull ? 13 : undefined) },
        inFolder(`${files++}.sqlite`),
        { durability: "relaxed" },
      );
      isFailing = true;
      const acknowledged: number[] = [];
      await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
          const isDone = await mutate(storage, async (reader) => {
            const count = Number((await reader.get("count")) ?? 0) + 1;
            if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
            return [
              ["count", String(count)],
              [`by ${index}`, "1"],
            ];
          }).then(
            () => true,
            () => false,
          );
          if (isDone) acknowledged.push(index);
        }),
      );
      isFailing = false;
      expect(await readAll(storage)).toEqual(
        [...acknowledged.map((index) => [`by ${index}`, "1"]), ["count", String(acknowledged.length)]]
          .filter(([, value]) => value !== "0")
          .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
      );
      await storage.close();
    }),
    { numRuns: 15 },
  );
});

test("when the commit of a group fails, all of it is rejected and nothing is written", async () => {
  const { storage, disk } = await fillableStorage();
  await put(storage, [["count", "5"]]);
  const { version } = storage;
  const heard: number[] = [];
  storage.onCommit((commit) => heard.push(commit.version));

  disk.isFull = true;
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => increment(storage)));
  expect(outcomes).toEqual(
    outcomes.map(() => ({ status: "rejected", reason: expect.objectContaining({ code: "STORAGE_FULL" }) })),
  );
  expect(storage.version).toBe(version);

  disk.isFull = false;
  expect(await readAll(storage)).toEqual([["count", "5"]]);
  expect(await increment(storage)).toBeGreaterThan(version);
  expect(await readAll(storage)).toEqual([["count", "6"]]);
  expect(heard).toEqual([storage.version]);
  await storage.close();
});

test("who has read what a failed commit took back fails as well, even without writing", async () => {
  const { storage, disk } = await fillableStorage();
  for (const writes of [[["b", "2"] as const], []]) {
    const first = await storage.begin();
    const waiting = storage.begin();
    disk.isFull = true;
    const lost = first.commit({ writes: [["a", "1"]] });
    const second = await waiting;
    expect(await second.get("a")).toBe("1");
    await expect(lost).rejects.toMatchObject({ code: "STORAGE_FULL" });
    disk.isFull = false;
    expect(() => second.get("a")).toThrow(expect.objectContaining({ code: "STORAGE_FULL" }));
    await expect(second.commit({ writes })).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await readAll(storage)).toEqual([]);
  }
  await storage.close();
});

test("sums go on from what is committed, whatever failed, was put or deleted in between", async () => {
  const { storage, disk } = await fillableStorage();
  const add = async (by: number, writes: readonly Write[] = []): Promise<unknown> => {
    const transaction = await storage.begin();
    return await transaction.commit({ writes, adds: [["sum", [by]]] }).catch((error: unknown) => error);
  };
  await add(1);
  await Promise.all([add(2), add(3)]);
  disk.isFull = true;
  expect(await add(100)).toMatchObject({ code: "STORAGE_FULL" });
  disk.isFull = false;
  await add(4);
  expect(await readAll(storage)).toEqual([["sum", "10"]]);
  await add(1, [["sum", "40"]]);
  await put(storage, [["sum", "50"]]);
  await add(1);
  expect(await readAll(storage)).toEqual([["sum", "51"]]);
  await mutate(storage, () => [["sum", undefined]]);
  await add(7);
  expect(await readAll(storage)).toEqual([["sum", "7"]]);
  await storage.close();
});

test("a transaction without writes that shares a commit is announced to nobody", async () => {
  const { storage } = await fillableStorage();
  const heard: number[] = [];
  storage.onCommit(({ writes }) => heard.push(writes.length));
  const first = await storage.begin();
  const second = storage.begin();
  const written = first.commit({ writes: [["a", "1"]] });
  const reading = await second;
  expect(await reading.get("a")).toBe("1");
  expect(await reading.commit({ writes: [] })).toBe(await written);
  expect(heard).toEqual([1]);
  await storage.close();
});

test("a transaction without writes is acknowledged only when what it read is durable", async () => {
  const { storage, disk } = await fillableStorage();
  disk.isFull = true;
  const first = await storage.begin();
  const waiting = [storage.begin(), storage.begin()];
  const lost = first.commit({ writes: [["a", "1"]] }).catch((error: unknown) => error);
  const reading = await waiting[0];
  expect(await reading?.get("a")).toBe("1");
  const read = reading?.commit({ writes: [] }).catch((error: unknown) => error);
  (await waiting[1])?.rollback();
  expect(await lost).toMatchObject({ code: "STORAGE_FULL" });
  expect(await read).toMatchObject({ code: "STORAGE_FULL" });
  disk.isFull = false;
  await storage.close();
});

test("a transaction that cannot be applied fails alone: the group before it is committed", async () => {
  let fails = false;
  const driver = await loadDriver();
  const observed = observedDriver(driver, (sql) => {
    if (fails && sql.startsWith("DELETE")) throw new DiskFull();
  });
  const storage = openSqlite(
    { ...observed, resultCodeOf: (error) => (error instanceof DiskFull ? 13 : driver.resultCodeOf(error)) },
    inFolder(`${files++}.sqlite`),
    {},
  );
  fails = true;
  const outcomes = await Promise.allSettled([
    put(storage, [["a", "1"]]),
    put(storage, [["b", "2"]]),
    mutate(storage, () => [
      ["c", "3"],
      ["a", undefined],
    ]),
    put(storage, [["d", "4"]]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect((await readAll(storage)).map(([key]) => key)).toEqual(["a", "b", "d"]);
  await storage.close();
});
