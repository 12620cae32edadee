import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { parseSchema } from "../../schema/index.js";
import { Database } from "../database.js";

const table = defineTable(v.any()).index("by_n", ["n"]);
const before = parseSchema(defineSchema({ people: table }));
const after = parseSchema(defineSchema({ users: table.index("by_m", ["m"]) }));
const renames = { people: "users" };

async function openWithPeople(): Promise<{ database: Database; ids: string[] }> {
  const database = await openDatabase();
  const ids = await mutate(database, async (tx) => {
    await tx.applySchema("", before);
    const inserted: string[] = [];
    for (let n = 0; n < 3; n++) inserted.push(await tx.component("").insert("people", { n }));
    return inserted;
  });
  return { database, ids };
}

test("a renamed table keeps its ids, its documents, its indexes and those built ahead of the new schema", async () => {
  const { database, ids } = await openWithPeople();
  await database.mutate((tx) => tx.prepareIndexes("", after, { renames }));
  await database.background.whenBuilt();
  const documents = await readAll(database, fullScan("people"));
  await database.mutate(async (tx) => {
    await tx.renameTables("", new Map([["people", "users"]]));
    const { tablesCreated, indexesKept } = await tx.applySchema("", after);
    expect(tablesCreated).toEqual([]);
    expect(indexesKept.map(({ indexName, needsBackfill }) => [indexName, needsBackfill])).toEqual([
      ["by_n", false],
      ["by_m", false],
    ]);
    expect(await tx.component("").get(ids[1] ?? "", "users")).toMatchObject({ n: 1 });
    expect(tx.component("").tableOfId(ids[1] ?? "")).toBe("users");
  });
  expect(await readAll(database, indexRange("users.by_n"))).toEqual(documents);
  expect(await readAll(database, indexRange("users.by_m"))).toEqual(documents);
  await expect(readAll(database, fullScan("people"))).rejects.toMatchObject({ code: "TABLE_NOT_IN_SCHEMA" });
  const reopened = await Database.open(database.storage);
  expect(await readAll(reopened, fullScan("users"))).toEqual(documents);
});

test("an empty table makes way for a renamed one, one with documents does not", async () => {
  const { database } = await openWithPeople();
  const rename = (to: string): Promise<unknown> =>
    database.mutate((tx) => tx.renameTables("", new Map([["people", to]])));
  const id = await mutate(database, async (tx) => {
    await tx.applySchema("", null);
    return await tx.component("").insert("users", {});
  });
  await expect(rename("users")).rejects.toMatchObject({ code: "TABLE_EXISTS", details: { documents: 1 } });
  await expect(rename("not a name")).rejects.toMatchObject({ code: "INVALID_TABLE_NAME" });
  await database.mutate((tx) => tx.component("").delete(id));
  await rename("users");
  expect(await readAll(database, fullScan("users"))).toHaveLength(3);
  await expect(rename("others")).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
});

test("tables take each other's names at once, and keep them when the storage is opened again", async () => {
  const { database, ids } = await openWithPeople();
  const other = await mutate(database, async (tx) => {
    await tx.applySchema("", null);
    const id = await tx.component("").insert("users", { u: 1 });
    await tx.renameTables(
      "",
      new Map([
        ["users", "people"],
        ["people", "users"],
      ]),
    );
    return id;
  });
  for (const opened of [database, await Database.open(database.storage)]) {
    await opened.query(async (tx) => {
      const reader = tx.component("");
      expect(reader.tables()).toEqual(["people", "users"]);
      expect(reader.tableOfId(other)).toBe("people");
      expect(reader.tableOfId(ids[0] ?? "")).toBe("users");
      expect([await reader.count("people"), await reader.count("users")]).toEqual([1, 3]);
    });
  }
});

test("a table is renamed and its documents change shape in one transaction", async () => {
  const { database } = await openWithPeople();
  const negate = { name: "negate", origin: "", hasDown: false };
  database.setTransforms(() => (document) => ({ ...document, m: -Number(document["n"]) }));
  await database.mutate((tx) => tx.prepareIndexes("", after, { renames, through: { users: [negate] } }));
  await database.background.whenBuilt();
  await database.mutate(async (tx) => {
    await tx.renameTables("", new Map([["people", "users"]]));
    tx.beginTransform("", "users", negate);
    const { indexesKept } = await tx.applySchema("", after);
    expect(indexesKept.map(({ needsBackfill }) => needsBackfill)).toEqual([false, false]);
  });
  const inOrder = await readAll(database, indexRange("users.by_m"));
  expect(inOrder.map(({ m }) => m)).toEqual([-2, -1, -0]);
});

test("a schema is pending until it is said that all documents fit", async () => {
  const { database } = await openWithPeople();
  const state = async (): Promise<unknown> => (await database.query(async (tx) => tx.schemaState(""))).value;
  expect(await state()).toEqual({ state: "narrow" });
  await database.mutate((tx) =>
    tx.applySchema("", before, { pending: { migrations: ["m:a", "m:b"], tables: ["people", "people"] } }),
  );
  expect(await state()).toMatchObject({ state: "pending", migrations: ["m:a", "m:b"] });
  const reopened = await Database.open(database.storage);
  const { value } = await reopened.query(async (tx) => tx.schemaState(""));
  expect(value).toEqual(await state());
  await database.mutate(async (tx) => tx.setNarrowed(""));
  expect(await state()).toEqual({ state: "narrow" });
  await database.mutate((tx) =>
    tx.applySchema("", before, { pending: { migrations: ["m:a"], tables: ["people"] } }),
  );
  await database.mutate((tx) => tx.applySchema("", before));
  expect(await state()).toEqual({ state: "narrow" });
});
