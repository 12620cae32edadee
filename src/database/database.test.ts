import { expect, test } from "vitest";
import { temporaryFolder } from "../../suites/setup/temporary-folder.js";
import { memory } from "../storage/memory/index.js";
import { sqlite } from "../storage/sqlite/index.js";
import { Database, type Query } from "./index.js";

const fileIn = temporaryFolder();

async function open(): Promise<Database> {
  return await Database.open(await memory()());
}

const all = (tableName: string): Query => ({
  source: { type: "FullTableScan", tableName, order: "asc" },
  operators: [],
});

test("a document that was inserted can be read in the same and in later transactions", async () => {
  const database = await open();
  const { value: id } = await database.mutate(async (tx) => {
    const app = tx.component("");
    const inserted = await app.insert("users", { name: "Ann", tags: ["a"] });
    expect(await app.get(inserted)).toMatchObject({ name: "Ann", tags: ["a"], _id: inserted });
    return inserted;
  });
  const { value } = await database.query(async (tx) => await tx.component("").get(id, "users"));
  expect(value).toMatchObject({ _id: id, name: "Ann" });
  expect(id).toMatch(/^j57/);
});

test("patch, replace and delete change what is read", async () => {
  const database = await open();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    const id = await app.insert("users", { name: "Ann", age: 3 });
    await app.patch(id, { age: undefined, city: "Bern" });
    expect(await app.get(id)).toMatchObject({ name: "Ann", city: "Bern" });
    expect(await app.get(id)).not.toHaveProperty("age");
    await app.replace(id, { name: "Bob" });
    expect(Object.keys((await app.get(id)) ?? {})).toEqual(["_creationTime", "_id", "name"]);
    await app.delete(id);
    expect(await app.get(id)).toBeNull();
    expect(await app.count("users")).toBe(0);
  });
});

test("a scan merges the transaction's own writes with what was there", async () => {
  const database = await open();
  await database.mutate(async (tx) => {
    for (const n of [1, 2, 3]) await tx.component("").insert("t", { n });
  });
  await database.mutate(async (tx) => {
    const app = tx.component("");
    const docs = await app.stream(all("t")).take(10);
    expect(docs.map((doc) => doc["n"])).toEqual([1, 2, 3]);
    await app.delete(docs[1]?._id ?? "");
    await app.patch(docs[0]?._id ?? "", { n: 10 });
    await app.insert("t", { n: 4 });
    const after = await app.stream(all("t")).take(10);
    expect(after.map((doc) => doc["n"])).toEqual([10, 3, 4]);
    expect(await app.count("t")).toBe(3);
  });
});

test("an index orders by its fields and serves ranges", async () => {
  const database = await open();
  await database.mutate(async (tx) => {
    for (const n of [5, 1, 3]) await tx.component("").insert("t", { n, s: `s${n}` });
    await tx.applySchema("", {
      schemaValidation: false,
      tables: [
        {
          tableName: "t",
          indexes: [{ indexDescriptor: "by_n", fields: ["n"] }],
          stagedDbIndexes: [],
          searchIndexes: [],
          stagedSearchIndexes: [],
          vectorIndexes: [],
          stagedVectorIndexes: [],
          documentType: { type: "any" },
        },
      ],
    });
  });
  await database.background.whenIdle();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    await app.insert("t", { n: 4, s: "s4" });
    const range: Query = {
      source: {
        type: "IndexRange",
        indexName: "t.by_n",
        range: [{ type: "Gte", fieldPath: "n", value: 3 }],
        order: "desc",
      },
      operators: [],
    };
    const docs = await app.stream(range).take(10);
    expect(docs.map((doc) => doc["n"])).toEqual([5, 4, 3]);
    const page = await app.page(range, { cursor: null, numItems: 2 });
    expect(page.page.map((doc) => doc["n"])).toEqual([5, 4]);
    expect(page.isDone).toBe(false);
    const rest = await app.page(range, { cursor: page.continueCursor, numItems: 2 });
    expect(rest.page.map((doc) => doc["n"])).toEqual([3]);
    expect(rest.isDone).toBe(true);
  });
});

test("a nested transaction that fails undoes its own writes only", async () => {
  const database = await open();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    const kept = await app.insert("t", { n: 1 });
    const failing = tx.nested(async () => {
      await app.patch(kept, { n: 2 });
      await app.insert("t", { n: 3 });
      await app.insert("u", { n: 3 });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await app.stream(all("t")).take(10)).toMatchObject([{ n: 1 }]);
    expect(app.tables()).toEqual(["t"]);
  });
  const { value } = await database.query((tx) => tx.component("").count("t"));
  expect(value).toBe(1);
});

test("mutations that share a commit give their documents distinct, rising creation times", async () => {
  const database = await Database.open(await sqlite(fileIn("data.sqlite"))(), { clock: () => 1000 });
  const inserts = Array.from({ length: 20 }, (_, n) =>
    database.mutate(async (tx) => void (await tx.component("").insert("t", { n }))),
  );
  await Promise.all(inserts);
  const { value } = await database.query((tx) => tx.component("").stream(all("t")).take(30));
  expect(value.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(new Set(value.map((row) => row._creationTime)).size).toBe(20);
  await database.close();
});
