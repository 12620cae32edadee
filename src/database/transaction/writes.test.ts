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
import type { Document } from "../documents/document.js";

const users = defineSchema({
  users: defineTable({ name: v.string(), friend: v.optional(v.id("users")) }),
  posts: defineTable({ text: v.string() }),
});

test("documents handed out are the receiver's own", async () => {
  const database = await openDatabase();
  const given = { tags: ["a"], o: { x: 1 } };
  const id = await mutate(database, (tx) => tx.component("").insert("t", given));
  given.tags.push("changed");
  await mutate(database, async (tx) => {
    const document = await tx.component("").get(id);
    change(document);
    expect(await tx.component("").get(id)).toMatchObject({ tags: ["a"], o: { x: 1 } });
  });
  const [scanned] = await readAll(database, fullScan("t"));
  change(scanned);
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ tags: ["a"] }]);
});

function change(document: Document | null | undefined): void {
  const tags = document?.["tags"];
  if (!Array.isArray(tags)) throw new Error("no tags");
  tags.push("changed");
}

test("creation times rise strictly, within a transaction and from one to the next", async () => {
  const database = await openDatabase({ clock: () => 1000 });
  const insertThree = (): Promise<string[]> =>
    mutate(database, async (tx) => [
      await tx.component("").insert("t", {}),
      await tx.component("").insert("t", {}),
      await tx.component("").insert("t", {}),
    ]);
  const ids = [...(await insertThree()), ...(await insertThree())];
  const documents = await readAll(database, fullScan("t"));
  expect(documents.map(({ _id }) => _id)).toEqual(ids);
  const times = documents.map(({ _creationTime }) => _creationTime);
  expect(new Set(times).size).toBe(6);
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
});

test("a document keeps its id and creation time through patch and replace", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", { a: 1 });
    const before = await app.get(id);
    await app.patch(id, { _id: id, _creationTime: before?._creationTime, b: 2 });
    await app.replace(id, { ...before, c: 3 });
    expect(await app.get(id)).toEqual({ ...before, c: 3 });
  });
});

test("system fields are the database's", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", { a: 1 });
    const other = await app.insert("t", { a: 2 });
    const refused = [
      app.insert("t", { _id: id }),
      app.insert("t", { _creationTime: 1 }),
      app.patch(id, { _id: other }),
      app.patch(id, { _creationTime: undefined }),
      app.replace(id, { _creationTime: 5 }),
    ];
    for (const one of refused) await expect(one).rejects.toMatchObject({ code: "SYSTEM_FIELD_CHANGED" });
    expect(await app.get(id)).toMatchObject({ a: 1 });
  });
});

test("an import may decide on ids and creation times, but not on taken ids", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", { a: 1 });
    const document = await app.get(id);
    await app.delete(id);
    await app.insert("t", { a: 2 }, { id, creationTime: 12.5 });
    expect(await app.get(id)).toEqual({ _id: id, _creationTime: 12.5, a: 2 });
    await expect(app.insert("t", {}, { id })).rejects.toMatchObject({ code: "ID_TAKEN" });
    await expect(app.insert("t", {}, { creationTime: NaN })).rejects.toMatchObject({ code: "INVALID_VALUE" });
    const other = await app.insert("u", {});
    await expect(app.insert("t", {}, { id: other })).rejects.toMatchObject({ code: "WRONG_TABLE" });
    expect(document?._creationTime).toBeGreaterThan(12.5);
  });
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ a: 2 }]);
  expect(await readAll(database, indexRange("t.by_id"))).toMatchObject([{ a: 2 }]);
});

test("an id must be of the table that is named, and of a table at all", async () => {
  const database = await openDatabase();
  await setSchema(database, users);
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const post = await app.insert("posts", { text: "a" });
    await expect(app.get(post, "users")).rejects.toMatchObject({ code: "WRONG_TABLE" });
    await expect(app.get(post, "users")).rejects.toThrow(
      'was expected to be an Id<"users">, got Id<"posts"> instead',
    );
    await expect(app.delete(post, "users")).rejects.toMatchObject({ code: "WRONG_TABLE" });
    await expect(app.get("nonsense")).rejects.toMatchObject({ code: "INVALID_ID" });
    await expect(app.get("nonsense")).rejects.toThrow("Unable to decode ID");
    expect(app.normalizeId("posts", post)).toBe(post);
    expect(app.normalizeId("users", post)).toBeNull();
    expect(app.normalizeId("nothing", post)).toBeNull();
    expect(app.normalizeId("posts", "nonsense")).toBeNull();
    expect(app.tableOfId(post)).toBe("posts");
    expect(database.tableOfId("", post)).toBe("posts");
  });
});

test("an id of no table is of no document: read as null, refused by writes", async () => {
  const database = await openDatabase();
  const id = await mutate(database, async (tx) => {
    await tx.component("").insert("first", {});
    return await tx.component("").insert("second", {});
  });
  await mutate(database, async (tx) => {
    const other = tx.component("elsewhere");
    expect(await other.get(id)).toBeNull();
    await expect(other.patch(id, {})).rejects.toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
    await expect(other.delete(id)).rejects.toThrow(`Delete on nonexistent document ID ${id}`);
  });
});

test("what is no object of fields is refused", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", {});
    for (const value of [null, 1, "a", [1]] as unknown as {}[]) {
      await expect(app.insert("t", value)).rejects.toMatchObject({ code: "INVALID_VALUE" });
      await expect(app.patch(id, value)).rejects.toMatchObject({ code: "INVALID_VALUE" });
      await expect(app.replace(id, value)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    }
  });
});

test("a schema is enforced on every write, ids by their tables", async () => {
  const database = await openDatabase();
  await setSchema(database, users);
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const ann = await app.insert("users", { name: "Ann" });
    const post = await app.insert("posts", { text: "a" });
    await app.patch(ann, { friend: ann });
    const refused = [
      app.insert("users", { name: 1 }),
      app.patch(ann, { name: undefined }),
      app.patch(ann, { friend: post }),
      app.replace(ann, { name: "Ann", more: 1 }),
    ];
    for (const one of refused) await expect(one).rejects.toMatchObject({ code: "SCHEMA_VIOLATION" });
    await expect(app.insert("likes", {})).rejects.toMatchObject({ code: "TABLE_NOT_IN_SCHEMA" });
    expect(await app.get(ann)).toMatchObject({ name: "Ann", friend: ann });
  });
  expect(await readAll(database, fullScan("users"))).toHaveLength(1);
});

test("a table comes into being with its first document, and only with that", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    await expect(app.insert("t", { f: 1n << 70n })).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect(app.tables()).toEqual([]);
    for (const name of ["", "a b", "1a", "ä", "a".repeat(65)]) {
      await expect(app.insert(name, {})).rejects.toMatchObject({ code: "INVALID_TABLE_NAME" });
    }
  });
});

test("components do not see each other's data, and count for themselves", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    await tx.component("a").insert("t", { n: 1 });
    await tx.component("a/b").insert("t", { n: 2 });
    expect(await tx.component("a").stream(fullScan("t")).take(9)).toMatchObject([{ n: 1 }]);
    expect(await tx.component("").count("t")).toBe(0);
  });
  await database.mutate(async (tx) => tx.removeComponent("a"));
  await database.background.whenIdle();
  const { value } = await database.query(async (tx) => [
    tx.component("a").tables(),
    await tx.component("a/b").count("t"),
  ]);
  expect(value).toEqual([[], 1]);
});

test("system tables are reached by system() only", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const id = await tx.system("").insert("_jobs", { n: 1 });
    await tx.component("").insert("t", {});
    expect(await tx.system("").get(id)).toMatchObject({ n: 1 });
    expect(tx.system("").tables()).toEqual(["_jobs", "t"]);
    expect(tx.component("").tables()).toEqual(["t"]);
    const app = tx.component("");
    await expect(app.get(id)).rejects.toMatchObject({ code: "SYSTEM_TABLE" });
    await expect(app.patch(id, {})).rejects.toMatchObject({ code: "SYSTEM_TABLE" });
    await expect(app.insert("_jobs", {})).rejects.toMatchObject({ code: "SYSTEM_TABLE" });
    await expect(app.count("_jobs")).rejects.toMatchObject({ code: "SYSTEM_TABLE" });
    expect(app.tableOfId(id)).toBe("_jobs");
  });
});

test("a handle that is kept beyond the transaction is refused", async () => {
  const database = await openDatabase();
  const { value: app } = await database.mutate(async (tx) => tx.component(""));
  await expect(app.insert("t", {})).rejects.toMatchObject({ code: "TRANSACTION_OVER" });
  await expect(app.count("t")).rejects.toMatchObject({ code: "TRANSACTION_OVER" });
});

test("changes back and forth within a transaction leave indexes as they were", async () => {
  const database = await openDatabase();
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_a", fields: ["a"] }]));
  const id = await mutate(database, (tx) => tx.component("").insert("t", { a: 0 }));
  const found = async (): Promise<unknown[]> =>
    (await readAll(database, indexRange("t.by_a"))).map((document) => document["a"]);
  await mutate(database, async (tx) => {
    for (const a of [1, 0, 2]) await tx.component("").patch(id, { a });
  });
  expect(await found()).toEqual([2]);
  await mutate(database, async (tx) => {
    for (const a of [1, 2]) await tx.component("").patch(id, { a });
  });
  expect(await found()).toEqual([2]);
  for (const a of [0, -0, 0]) {
    await mutate(database, (tx) => tx.component("").patch(id, { a }));
    const exactly = indexRange("t.by_a", ["Eq", "a", a]);
    expect(await readAll(database, exactly)).toHaveLength(1);
  }
});

test("an entry of several fields follows each one of them", async () => {
  const database = await openDatabase();
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_a_b", fields: ["a", "b"] }]));
  const id = await mutate(database, (tx) => tx.component("").insert("t", { a: 1, b: 1 }));
  const found = async (a: number, b: number): Promise<number> =>
    (await readAll(database, indexRange("t.by_a_b", ["Eq", "a", a], ["Eq", "b", b]))).length;
  for (const [a, b] of [
    [1, 2],
    [3, 2],
    [4, 5],
  ] as const) {
    await mutate(database, (tx) => tx.component("").patch(id, { a, b }));
    expect(await found(a, b)).toBe(1);
    expect(await readAll(database, indexRange("t.by_a_b"))).toHaveLength(1);
  }
});
