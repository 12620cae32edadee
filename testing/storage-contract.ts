/**
 * What every storage must do, as tests: `storageContract("memory", () => memory())` registers them. The
 * second argument makes a storage of its own for each test; opening the same one again after a close must find the
 * data when the storage calls itself persistent. Transactions that end in STORAGE_CONFLICT are run again, so
 * the suite also fits storages that are not serial.
 */
import { afterEach, describe, expect, test } from "vitest";
import type { Entry, KeyRange, OpenStorage, Storage, StorageReader } from "../src/storage/storage.js";
import { allByteKeys, mutate, put, readAll } from "./storage-calls.js";
import { checkRandomHistories } from "./storage-histories.js";

/** A storage not used before; called once per test. May be asynchronous. */
export type NewStorage = () => OpenStorage | Promise<OpenStorage>;

/** Registers the contract's tests for one implementation. */
export function storageContract(name: string, newStorage: NewStorage): void {
  const opened: Storage[] = [];

  async function open(openStorage?: OpenStorage): Promise<Storage> {
    const storage = await (openStorage ?? (await newStorage()))();
    opened.push(storage);
    return storage;
  }

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
  });

  describe(`${name} keeps the storage contract`, () => {
    describe("reading", () => {
      reading(open);
    });
    describe("snapshots", () => {
      snapshots(open);
    });
    describe("transactions", () => {
      transactions(open);
    });
    describe("commits", () => {
      commits(open);
    });
    describe("closing", () => {
      closing(open, newStorage);
    });
    test("random histories agree with a sorted map", async () => {
      await checkRandomHistories(() => open());
    });
  });
}

type Open = (openStorage?: OpenStorage) => Promise<Storage>;

const abc: Entry[] = [
  ["a", "1"],
  ["b", "2"],
  ["c", "3"],
];

/** Runs a check on a snapshot and inside a transaction: both are readers. */
async function onEveryReader(
  storage: Storage,
  check: (reader: StorageReader) => Promise<void>,
): Promise<void> {
  const snapshot = await storage.snapshot();
  await check(snapshot);
  snapshot.release();
  const transaction = await storage.begin();
  await check(transaction);
  transaction.rollback();
}

function reading(open: Open): void {
  test("an empty storage has no keys", async () => {
    const storage = await open();
    await onEveryReader(storage, async (reader) => {
      expect(await reader.get("a")).toBeUndefined();
      expect(await reader.getMany(["a", ""])).toEqual([undefined, undefined]);
      expect(await reader.scan({ start: "" })).toEqual([]);
    });
  });

  test("keys are ordered by their bytes, zero bytes and the empty key included", async () => {
    const storage = await open();
    const keys = allByteKeys();
    await put(
      storage,
      keys.toReversed().map((key): Entry => [key, `at ${JSON.stringify(key)}`]),
    );
    await onEveryReader(storage, async (reader) => {
      const entries = await reader.scan({ start: "" });
      expect(entries.map(([key]) => key)).toEqual(keys);
      expect(await reader.getMany(keys)).toEqual(entries.map(([, value]) => value));
      expect((await reader.scan({ start: "" }, { reverse: true })).toReversed()).toEqual(entries);
    });
  });

  test("values come back exactly, whatever their text and size", async () => {
    const storage = await open();
    const values = ["", "\u0000", "é", "😀\ufffd", '{"a":"\\ud800"}', "x".repeat(1_000_000)];
    const entries = values.map((value, index): Entry => [`k${index}`, value]);
    await put(storage, entries);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.scan({ start: "" })).toEqual(entries);
      expect(await reader.get("k3")).toBe(values[3]);
    });
  });

  test("getMany answers in the order of the keys, as often as each is asked for", async () => {
    const storage = await open();
    await put(storage, abc);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.getMany(["c", "x", "a", "c"])).toEqual(["3", undefined, "1", "3"]);
      expect(await reader.getMany([])).toEqual([]);
      const many = Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? "b" : `no${index}`));
      expect(await reader.getMany(many)).toEqual(many.map((key) => (key === "b" ? "2" : undefined)));
    });
  });

  test("a range includes its start and excludes its end, in both directions", async () => {
    const storage = await open();
    await put(storage, abc);
    const cases: [KeyRange, string][] = [
      [{ start: "a", end: "c" }, "ab"],
      [{ start: "a\u0000", end: "c\u0000" }, "bc"],
      [{ start: "b" }, "bc"],
      [{ start: "", end: "a" }, ""],
      [{ start: "b", end: "b" }, ""],
      [{ start: "c", end: "a" }, ""],
      [{ start: "d" }, ""],
      [{ start: "", end: "\u00ff" }, "abc"],
    ];
    await onEveryReader(storage, async (reader) => {
      for (const [range, expected] of cases) {
        const keys = (entries: Entry[]) => entries.map(([key]) => key).join("");
        expect(keys(await reader.scan(range))).toBe(expected);
        expect(keys((await reader.scan(range, { reverse: true })).toReversed())).toBe(expected);
      }
    });
  });

  test("a limit takes the first entries of the direction", async () => {
    const storage = await open();
    await put(storage, abc);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.scan({ start: "" }, { limit: 2 })).toEqual(abc.slice(0, 2));
      expect(await reader.scan({ start: "", end: "c" }, { limit: 1, reverse: true })).toEqual([abc[1]]);
      expect(await reader.scan({ start: "b" }, { limit: 10 })).toEqual(abc.slice(1));
      await expect((async () => reader.scan({ start: "" }, { limit: 0 }))()).rejects.toThrow(RangeError);
    });
  });
}

function snapshots(open: Open): void {
  test("a snapshot stays as it was while transactions commit", async () => {
    const storage = await open();
    await put(storage, abc);
    const before = await storage.snapshot();
    await mutate(storage, () => [
      ["a", "new"],
      ["b", undefined],
      ["d", "4"],
    ]);
    const after = await storage.snapshot();
    expect(await before.scan({ start: "" })).toEqual(abc);
    expect(await before.getMany(["a", "d"])).toEqual(["1", undefined]);
    expect(await after.scan({ start: "" })).toEqual([
      ["a", "new"],
      ["c", "3"],
      ["d", "4"],
    ]);
    expect(after.version).toBeGreaterThan(before.version);
    before.release();
    after.release();
  });

  test("a snapshot does not see a transaction that has not committed", async () => {
    const storage = await open();
    const transaction = await storage.begin();
    const snapshot = await storage.snapshot();
    await transaction.commit([["a", "1"]]);
    expect(await snapshot.get("a")).toBeUndefined();
    snapshot.release();
  });

  test("snapshots of one version are independent of each other's release", async () => {
    const storage = await open();
    await put(storage, abc);
    const [one, other] = [await storage.snapshot(), await storage.snapshot()];
    expect(one.version).toBe(other.version);
    one.release();
    one.release();
    await put(storage, [["a", "new"]]);
    expect(await other.get("a")).toBe("1");
    await expect((async () => one.get("a"))()).rejects.toThrow("release");
    other.release();
  });

  test("many snapshots of many versions live at once", async () => {
    const storage = await open();
    const all = [];
    for (let count = 0; count < 40; count++) {
      await put(storage, [["count", String(count)]]);
      all.push(await storage.snapshot());
    }
    expect(await Promise.all(all.map(async (snapshot) => snapshot.get("count")))).toEqual(
      all.map((_, index) => String(index)),
    );
    for (const snapshot of all) snapshot.release();
  });
}

function transactions(open: Open): void {
  test("a transaction sees what the ones before it committed, and not its own writes", async () => {
    const storage = await open();
    await put(storage, abc);
    const transaction = await storage.begin();
    expect(await transaction.scan({ start: "" })).toEqual(abc);
    const version = await transaction.commit([["b", "new"]]);
    const next = await storage.begin();
    expect(next.version).toBe(version);
    expect(await next.getMany(["a", "b"])).toEqual(["1", "new"]);
    next.rollback();
  });

  test("waiting transactions see their predecessors' writes: no increment is lost", async () => {
    const storage = await open();
    const increments = Array.from({ length: 100 }, (_, index) =>
      mutate(storage, async (transaction) => [
        ["count", String(Number((await transaction.get("count")) ?? 0) + 1)],
        [`by${index}`, "1"],
      ]),
    );
    const versions = await Promise.all(increments);
    expect(new Set(versions).size).toBe(100);
    const entries = await readAll(storage);
    expect(entries.length).toBe(101);
    expect(entries.at(-1)).toEqual(["count", "100"]);
  });

  test("serial transactions take turns in the order of begin", async () => {
    const storage = await open();
    if (!storage.capabilities.serialTransactions) return;
    const order: string[] = [];
    await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const transaction = await storage.begin();
        order.push(`${name} begins`);
        await transaction.get(name);
        order.push(`${name} ends`);
        if (name === "b") transaction.rollback();
        else await transaction.commit([[name, name]]);
      }),
    );
    expect(order).toEqual(["a", "b", "c", "d"].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect((await readAll(storage)).map(([key]) => key)).toEqual(["a", "c", "d"]);
  });

  test("a rolled back transaction leaves nothing and lets the next one begin", async () => {
    const storage = await open();
    await put(storage, abc);
    const { version } = storage;
    const transaction = await storage.begin();
    await transaction.get("a");
    transaction.rollback();
    transaction.rollback();
    expect(storage.version).toBe(version);
    expect(await put(storage, [["d", "4"]])).toBeGreaterThan(version);
    expect(await readAll(storage)).toEqual([...abc, ["d", "4"]]);
  });

  test("an ended transaction cannot be used", async () => {
    const storage = await open();
    const transaction = await storage.begin();
    await transaction.commit([["a", "1"]]);
    await expect((async () => transaction.commit([["a", "2"]]))()).rejects.toThrow("ended");
    await expect((async () => transaction.get("a"))()).rejects.toThrow("ended");
    transaction.rollback();
    expect(await readAll(storage)).toEqual([["a", "1"]]);
  });
}

function commits(open: Open): void {
  test("a commit applies all of its writes in their order, deletes of absent keys included", async () => {
    const storage = await open();
    await put(storage, abc);
    await mutate(storage, () => [
      ["a", undefined],
      ["a", "again"],
      ["b", "twice"],
      ["b", undefined],
      ["absent", undefined],
    ]);
    expect(await readAll(storage)).toEqual([
      ["a", "again"],
      ["c", "3"],
    ]);
  });

  test("a commit of many writes is one commit", async () => {
    const storage = await open();
    const many = Array.from({ length: 5000 }, (_, index): Entry => [
      `k${String(index).padStart(5, "0")}`,
      "v",
    ]);
    const seen: number[] = [];
    storage.onCommit((commit) => seen.push(commit.writes.length));
    await put(storage, many);
    expect(seen).toEqual([5000]);
    expect(await readAll(storage)).toEqual(many);
    await mutate(storage, () => many.map(([key]) => [key, undefined]));
    expect(await readAll(storage)).toEqual([]);
  });

  test("versions rise with every commit, and are the microseconds of the wall clock or more", async () => {
    const storage = await open();
    expect(storage.version).toBe(0);
    const before = Date.now() * 1000;
    const versions: number[] = [];
    for (let count = 0; count < 20; count++) versions.push(await put(storage, [["a", String(count)]]));
    expect(versions[0]).toBeGreaterThanOrEqual(before);
    expect(
      versions.every(
        (version, index) => Number.isSafeInteger(version) && version > (versions[index - 1] ?? 0),
      ),
    ).toBe(true);
    expect(storage.version).toBe(versions.at(-1));
    const snapshot = await storage.snapshot();
    expect(snapshot.version).toBe(versions.at(-1));
    snapshot.release();
  });

  test("an empty commit is no commit: no version, no call of a listener", async () => {
    const storage = await open();
    const version = await put(storage, abc);
    let calls = 0;
    storage.onCommit(() => calls++);
    expect(await mutate(storage, () => [])).toBe(version);
    expect([storage.version, calls]).toEqual([version, 0]);
  });

  test("listeners hear of each commit in order, once it is visible, until they stop", async () => {
    const storage = await open();
    const heard: [number, unknown][] = [];
    const stop = storage.onCommit(({ version, writes }) => {
      expect(storage.version).toBeGreaterThanOrEqual(version);
      heard.push([version, writes]);
    });
    const values = Array.from({ length: 30 }, (_, index) => String(index));
    const versions = await Promise.all(values.map((value) => put(storage, [["a", value]])));
    expect(heard).toEqual(versions.map((version, index) => [version, [["a", values[index]]]]));
    stop();
    await put(storage, abc);
    expect(heard.length).toBe(30);
  });

  test("what a resolved commit wrote is in every later snapshot", async () => {
    const storage = await open();
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const version = await put(storage, [[`k${index}`, "v"]]);
        const snapshot = await storage.snapshot();
        expect(snapshot.version).toBeGreaterThanOrEqual(version);
        expect(await snapshot.get(`k${index}`)).toBe("v");
        snapshot.release();
      }),
    );
  });
}

function closing(open: Open, newStorage: NewStorage): void {
  const closed = expect.objectContaining({ code: "STORAGE_CLOSED" });

  test("a closed storage refuses everything with STORAGE_CLOSED, and closes twice", async () => {
    const storage = await open();
    await put(storage, abc);
    const snapshot = await storage.snapshot();
    await Promise.all([storage.close(), storage.close()]);
    await storage.close();
    await expect((async () => storage.begin())()).rejects.toThrow(closed);
    await expect((async () => storage.snapshot())()).rejects.toThrow(closed);
    await expect((async () => snapshot.get("a"))()).rejects.toThrow(closed);
    await expect((async () => snapshot.scan({ start: "" }))()).rejects.toThrow(closed);
    snapshot.release();
  });

  test("closing waits for the transaction under way, and refuses those that wait", async () => {
    const storage = await open();
    const active = await storage.begin();
    const waiting = storage.begin();
    const refusal = waiting.catch((error: unknown) => error);
    const closing = storage.close();
    expect(await active.get("a")).toBeUndefined();
    await active.commit([["a", "1"]]);
    await closing;
    expect(await refusal).toEqual(closed);
  });

  test("a persistent storage has its data and its versions after it was closed and opened", async () => {
    const openStorage = await newStorage();
    const first = await open(openStorage);
    if (!first.capabilities.persistent) return;
    const version = await put(first, abc);
    await first.close();
    const second = await open(openStorage);
    expect(second.version).toBe(version);
    expect(await readAll(second)).toEqual(abc);
    expect(await put(second, [["d", "4"]])).toBeGreaterThan(version);
  });
}
