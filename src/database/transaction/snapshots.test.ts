import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { memory } from "../../storage/memory/index.js";
import { Database } from "../database.js";

test("a query sees one moment, whatever is committed while it runs", async () => {
  const database = await openDatabase();
  const id = await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  await database.query(async (tx) => {
    const before = tx.component("");
    await database.mutate(async (other) => {
      await other.component("").patch(id, { n: 2 });
      await other.component("").insert("t", { n: 3 });
      await other.component("").insert("u", {});
    });
    expect(await before.get(id)).toMatchObject({ n: 1 });
    expect(await before.stream(fullScan("t")).take(9)).toMatchObject([{ n: 1 }]);
    expect(await before.count("t")).toBe(1);
    expect(before.tables()).toEqual(["t"]);
  });
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ n: 2 }, { n: 3 }]);
});

test("several queries read one snapshot, which stays with whoever has taken it", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  const snapshot = await database.storage.snapshot();
  const count = async (): Promise<{ value: number; version: number }> =>
    await database.query((tx) => tx.component("").count("t"), { snapshot });
  expect(await count()).toMatchObject({ value: 1, version: snapshot.version });
  await mutate(database, (tx) => tx.component("").insert("t", { n: 2 }));
  const [first, second] = await Promise.all([count(), count()]);
  expect([first, second]).toMatchObject(Array(2).fill({ value: 1, version: snapshot.version }));
  await expect(database.query(() => Promise.reject(new Error("no")), { snapshot })).rejects.toThrow("no");
  expect(await count()).toMatchObject({ value: 1 });
  snapshot.release();
  expect(await readAll(database, fullScan("t"))).toHaveLength(2);
});

test("a stale reader sees the beginning of the mutation and leaves no trace in its read set", async () => {
  const database = await openDatabase();
  const id = await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  await mutate(database, async (tx) => {
    await tx.component("").patch(id, { n: 2 });
    await tx.component("").insert("t", { n: 3 });
    await tx.component("").insert("new", {});
    const keysBefore = tx.readSet.keys.size;
    const stale = tx.staleReader("");
    expect(await stale.get(id)).toMatchObject({ n: 1 });
    expect(await stale.stream(fullScan("t")).take(9)).toMatchObject([{ n: 1 }]);
    expect((await stale.page(fullScan("t"), { cursor: null, numItems: 9 })).page).toHaveLength(1);
    expect(await stale.count("t")).toBe(1);
    expect(stale.tables()).toEqual(["t"]);
    expect(tx.readSet.keys.size).toBe(keysBefore);
    expect(tx.readSet.ranges).toEqual([]);
    expect(tx.usage.documentsRead).toBeGreaterThan(2);
  });
});

test("a commit timestamp is a placeholder until the commit, then rises with the order of commits", async () => {
  const { CommitTsPlaceholder } = await import("convex/values");
  const database = await openDatabase({ clock: () => 1_800_000_000_000 });
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_at", fields: ["at"] }]));
  const insertTwo = (): Promise<void> =>
    mutate(database, async (tx) => {
      const app = tx.component("");
      const id = await app.insert("t", {
        at: new CommitTsPlaceholder(),
        in: { it: [new CommitTsPlaceholder()] },
      });
      expect((await app.get(id))?.["at"]).toBeInstanceOf(CommitTsPlaceholder);
      const latest = {
        ...indexRange("t.by_at"),
        source: { ...indexRange("t.by_at").source, order: "desc" as const },
      };
      expect((await app.stream(latest).next())?._id).toBe(id);
      await app.insert("t", { at: new CommitTsPlaceholder() });
    });
  await insertTwo();
  await insertTwo();
  const found = await readAll(database, indexRange("t.by_at"));
  const times = found.map(({ at }) => at);
  expect(times).toHaveLength(4);
  expect(times[0]).toBe(times[1]);
  expect(times[2]).toBe(times[3]);
  expect(Number(times[2]) - Number(times[0])).toBeGreaterThanOrEqual(0);
  expect(times[2] === times[0]).toBe(false);
  expect(found[0]?.["in"]).toEqual({ it: [times[0]] });
  const exactly = indexRange("t.by_at", ["Eq", "at", times[3]]);
  expect(await readAll(database, exactly)).toHaveLength(2);
});

test("a commit timestamp is above every commit before it, though the clock is behind", async () => {
  const { CommitTsPlaceholder } = await import("convex/values");
  const storage = await memory({ clock: () => 1_800_000_000_000 })();
  const database = await Database.open(storage, { clock: () => 1_000 });
  const insert = (): Promise<string> =>
    mutate(database, (tx) => tx.component("").insert("t", { at: new CommitTsPlaceholder() }));
  await mutate(database, (tx) => tx.component("").insert("t", {}));
  const before = storage.version;
  await insert();
  const between = storage.version;
  await insert();
  const [, first, second] = (await readAll(database, fullScan("t"))).map(({ at }) => at as bigint);
  expect(first).toBeGreaterThan(BigInt(before) * 1000n);
  expect(second).toBeGreaterThan(BigInt(between) * 1000n);
  expect(second).toBeGreaterThan(first ?? 0n);
});

test("a document that another one replaces under its id is found by it after a restart", async () => {
  const storage = await memory()();
  const database = await Database.open(storage);
  const id = await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  await mutate(database, async (tx) => {
    const app = tx.component("");
    await app.delete(id);
    await app.insert("t", { n: 2 }, { id, creationTime: 5 });
  });
  const restarted = await Database.open(storage);
  const { value } = await restarted.query((tx) => tx.component("").get(id));
  expect(value).toEqual({ _id: id, _creationTime: 5, n: 2 });
  expect(await readAll(restarted, fullScan("t"))).toEqual([value]);
});

test("counts and sizes are kept with every commit", async () => {
  const database = await openDatabase();
  const ids = await mutate(database, async (tx) => {
    const app = tx.component("");
    const inserted = [await app.insert("t", { s: "abc" }), await app.insert("t", {})];
    expect(await app.counts("t")).toEqual({ documents: 2, sizeBytes: tx.usage.bytesWritten });
    return inserted;
  });
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const before = await app.counts("t");
    await app.patch(ids[0] ?? "", { s: "abcde" });
    expect(await app.counts("t")).toEqual({ documents: 2, sizeBytes: before.sizeBytes + 2 });
    await tx
      .nested(() => app.delete(ids[0] ?? "").then(() => Promise.reject(new Error("no"))))
      .catch(() => {});
    await app.delete(ids[1] ?? "");
    expect((await app.counts("t")).documents).toBe(1);
  });
  const { value } = await database.query((tx) => tx.component("").counts("t"));
  expect(value.documents).toBe(1);
});
