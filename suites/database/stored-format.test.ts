/**
 * Reads a storage that the first version of the format has written, with documents of every type, indexes, a table in its second
 * shape, and a component. Later versions read it and go on writing; the file itself never changes.
 */
import { expect, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import type { Storage } from "../../src/storage/storage.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";
import entries from "./stored-format-1.json" with { type: "json" };

async function openStored(): Promise<{ storage: Storage; database: Database }> {
  const storage = await memory()();
  const transaction = await storage.begin();
  await transaction.commit({
    writes: entries.map(([hex = "", value = ""]) => [Buffer.from(hex, "hex").toString("latin1"), value]),
  });
  return { storage, database: await Database.open(storage) };
}

const ann = {
  _id: "j579akt89tqwp46b9dqr3x479d8k6cz4",
  _creationTime: 1796046381925,
  name: "Ann",
  age: -32768n,
  score: -0,
  tags: [null, [1n], { a: "\0", "": true }],
  photo: Uint8Array.from([0, 255]).buffer,
};
const bob = {
  _id: "j57few7kbka17e4831y9gr3nnd8k7v2d",
  _creationTime: 1796046381925.0002,
  name: "Bob\u0000é😀",
  age: 32768n,
  score: Infinity,
  tags: [],
};
const nobody = {
  _id: "j572a69kn5qfvbez80wa0gc5hh8k7qj0",
  _creationTime: 1796046381925.0005,
  name: "",
  age: 2n ** 63n - 1n,
  tags: ["x"],
};

test("documents are read by table, by id and by each index", async () => {
  const { database } = await openStored();
  expect(await readAll(database, fullScan("people"))).toStrictEqual([ann, bob, nobody]);
  expect((await database.query((tx) => tx.component("").get(ann._id))).value).toStrictEqual(ann);
  expect(await readAll(database, indexRange("people.by_age", ["Gte", "age", -32768n]))).toStrictEqual([
    ann,
    bob,
    nobody,
  ]);
  expect(await readAll(database, indexRange("people.by_age", ["Gt", "age", -32768n]))).toStrictEqual([
    bob,
    nobody,
  ]);
  expect(await readAll(database, indexRange("people.by_name_score"))).toStrictEqual([nobody, ann, bob]);
  expect(
    await readAll(database, indexRange("people.by_name_score", ["Eq", "name", "Ann"], ["Eq", "score", -0])),
  ).toStrictEqual([ann]);
});

test("documents in a later shape, and those of components, are read", async () => {
  const { database } = await openStored();
  expect((await readAll(database, fullScan("notes"))).map(({ text }) => text)).toEqual(["one!", "two!"]);
  expect(await readAll(database, indexRange("notes.by_text", ["Eq", "text", "two!"]))).toHaveLength(1);
  const query = (): ReturnType<typeof database.query<unknown>> =>
    database.query((tx) => tx.component("other/part").stream(fullScan("things")).take(2));
  expect((await query()).value).toMatchObject([{ n: 1.5 }]);
});

test("what is written goes where the rest is, and what is deleted leaves nothing", async () => {
  const { storage, database } = await openStored();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    await app.patch(bob._id, { age: -32769n });
    const id = await app.insert("notes", { text: "three" });
    // The table's number is in its ids, so it must stay the same.
    expect(id.slice(0, 3)).toBe("j97");
  });
  expect((await readAll(database, indexRange("people.by_age"))).map(({ name }) => name)).toEqual([
    bob.name,
    ann.name,
    nobody.name,
  ]);
  await database.mutate(async (tx) => {
    for (const [path, tables] of [
      ["", ["people", "notes"]],
      ["other/part", ["things"]],
    ] as const) {
      const component = tx.component(path);
      for (const table of tables) {
        for (const { _id } of await component.stream(fullScan(table)).take(9)) await component.delete(_id);
      }
    }
  });
  const snapshot = await storage.snapshot();
  expect(await snapshot.scan({ start: "\x02", end: "\x05" })).toEqual([]);
});
