import { setTimeout } from "node:timers/promises";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import {
  fullScan,
  indexRange,
  mutate,
  openDatabase,
  readAll,
  setSchema,
} from "../../../suites/setup/open-database.js";
import { parseSchema } from "../../schema/index.js";
import { Database } from "../database.js";
import { memory } from "../../storage/memory/index.js";
import type { IndexBuild } from "../background/index-builds.js";

const table = defineTable(v.any());
const plain = parseSchema(defineSchema({ t: table }));
const byN = parseSchema(defineSchema({ t: defineTable(v.any()).index("by_n", ["n"]) }));
const byM = parseSchema(defineSchema({ t: defineTable(v.any()).index("by_n", ["m"]) }));

async function openWithDocuments(count: number): Promise<Database> {
  const database = await openDatabase();
  await database.mutate(
    async (tx) => {
      for (let n = 0; n < count; n++) await tx.component("").insert("t", { n, m: -n });
    },
    { limits: null },
  );
  return database;
}

test("a change of schema says what it adds, keeps and drops", async () => {
  const database = await openWithDocuments(1);
  const added = await mutate(database, (tx) => tx.applySchema("", byN));
  expect(added).toMatchObject({
    tablesCreated: [],
    indexesAdded: [{ tableName: "t", indexName: "by_n", fields: ["n"], needsBackfill: true }],
  });
  const kept = await mutate(database, (tx) => tx.applySchema("", byN));
  expect(kept).toMatchObject({ indexesAdded: [], indexesKept: [{ indexName: "by_n" }], indexesRemoved: [] });
  const changed = await mutate(database, (tx) => tx.applySchema("", byM));
  expect(changed).toMatchObject({ indexesAdded: [{ fields: ["m"] }], indexesRemoved: [{ fields: ["n"] }] });
  const created = await mutate(database, (tx) => tx.applySchema("elsewhere", byN));
  expect(created).toMatchObject({ tablesCreated: ["t"], indexesAdded: [{ needsBackfill: false }] });
});

test("an index cannot be queried before it is built, and is maintained meanwhile", async () => {
  const database = await openWithDocuments(1200);
  await database.mutate(async (tx) => {
    await tx.applySchema("", byN);
    const app = tx.component("");
    expect(() => app.stream(indexRange("t.by_n"))).toThrow(
      expect.objectContaining({ code: "INDEX_NOT_READY" }),
    );
  });
  const builds: IndexBuild[] = [];
  const documents = await readAll(database, fullScan("t"));
  for (let at = 0; ; at++) {
    const { value } = await database.query((tx) => tx.indexBuilds());
    if (value.length === 0) break;
    builds.push(...value);
    await database.mutate(async (tx) => {
      const app = tx.component("");
      await app.insert("t", { n: 5000 + at });
      await app.patch(documents[at]?._id ?? "", { n: -1 });
      await app.delete(documents[1199 - at]?._id ?? "");
    });
    await setTimeout(1);
  }
  await database.background.whenIdle();
  expect(builds.length).toBeGreaterThan(0);
  expect(builds.at(-1)).toMatchObject({ tableName: "t", indexName: "by_n", isStaged: false });
  const sorted = (await readAll(database, fullScan("t"))).map(({ n }) => n as number).sort((a, b) => a - b);
  expect((await readAll(database, indexRange("t.by_n"))).map(({ n }) => n)).toEqual(sorted);
});

test("an index built ahead is staged until its schema comes, and then ready at once", async () => {
  const database = await openWithDocuments(3);
  await setSchema(database, plain);
  await database.mutate((tx) => tx.prepareIndexes("", byN));
  await database.background.whenIdle();
  const early = readAll(database, indexRange("t.by_n"));
  await expect(early).rejects.toMatchObject({ code: "INDEX_NOT_READY" });
  await mutate(database, (tx) => tx.component("").insert("t", { n: 1.5 }));
  await database.mutate(async (tx) => {
    const change = await tx.applySchema("", byN);
    expect(change).toMatchObject({ indexesAdded: [], indexesKept: [{ needsBackfill: false }] });
    const found = await tx.component("").stream(indexRange("t.by_n")).take(9);
    expect(found.map(({ n }) => n)).toEqual([0, 1, 1.5, 2]);
  });
});

test("the old index of a name serves queries while its successor is being built", async () => {
  const database = await openWithDocuments(3);
  await setSchema(database, byN);
  await database.mutate((tx) => tx.prepareIndexes("", byM));
  await database.background.whenIdle();
  expect(await readAll(database, indexRange("t.by_n", ["Gte", "n", 1]))).toHaveLength(2);
  await setSchema(database, byM);
  const found = await readAll(database, indexRange("t.by_n", ["Gte", "m", -1]));
  expect(found.map(({ n }) => n)).toEqual([1, 0]);
});

test("what is dropped is cleared from the storage", async () => {
  const storage = await memory()();
  const database = await Database.open(storage);
  await mutate(database, async (tx) => {
    for (let n = 0; n < 10; n++) await tx.component("").insert("t", { n });
    await tx.component("").insert("u", {});
  });
  const size = async (): Promise<number> => {
    await database.background.whenIdle();
    const snapshot = await storage.snapshot();
    const entries = await snapshot.scan({ start: "" });
    snapshot.release();
    return entries.length;
  };
  await setSchema(database, plain);
  const before = await size();
  await setSchema(database, byN);
  expect(await size()).toBe(before + 11);
  await setSchema(database, plain);
  expect(await size()).toBe(before);
  await database.mutate(async (tx) => tx.removeTable("", "t"));
  expect(await size()).toBe(before - 10 * 2 - 2);
  expect(await readAll(database, fullScan("u"))).toHaveLength(1);
});

test("a table that is removed and made anew is another table", async () => {
  const database = await openWithDocuments(2);
  const [first] = await readAll(database, fullScan("t"));
  await database.mutate(async (tx) => {
    tx.removeTable("", "t");
    expect(await tx.component("").get(first?._id ?? "")).toBeNull();
    await tx.component("").insert("t", { n: 7 });
    expect(await tx.component("").count("t")).toBe(1);
  });
  await database.background.whenIdle();
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ n: 7 }]);
  const { value } = await database.query((tx) => tx.component("").get(first?._id ?? ""));
  expect(value).toBeNull();
});

test("a schema change that is rolled back has changed nothing", async () => {
  const database = await openWithDocuments(2);
  const failing = database.mutate(async (tx) => {
    await tx.applySchema("", byN);
    tx.removeTable("", "t");
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  await mutate(database, async (tx) => {
    await tx
      .nested(async () => {
        tx.removeTable("", "t");
        throw new Error("no");
      })
      .catch(() => {});
    expect(await tx.component("").count("t")).toBe(2);
  });
  await expect(readAll(database, indexRange("t.by_n"))).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
});
