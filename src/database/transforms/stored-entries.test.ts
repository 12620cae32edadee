/** Which entries a write removes from indexes that were built through a transform which makes something else each time. */
import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { prefixEnd } from "../../values/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { Database } from "../database.js";
import { tailLength } from "../catalog/key-layout.js";

const schema: SchemaJson = {
  schemaValidation: true,
  tables: [
    {
      tableName: "t",
      indexes: [{ indexDescriptor: "by_s", fields: ["s"] }],
      documentType: { type: "any" },
      ...{ stagedDbIndexes: [], searchIndexes: [], stagedSearchIndexes: [] },
      ...{ vectorIndexes: [], stagedVectorIndexes: [] },
    },
  ],
};

const impure = { name: "impure", origin: "up", hasDown: false };

/** A table of documents whose transform gives each run another text: "run 1", "run 2". */
async function openWith(count: number): Promise<{ database: Database; ids: string[] }> {
  const database = await openDatabase({ cacheBytes: 0, backgroundBatch: 2 });
  let runs = 0;
  database.setTransforms(() => (document) => ({ ...document, s: `run ${++runs}` }));
  await database.mutate((tx) => tx.applySchema("", schema));
  const ids = await mutate(database, async (tx) => {
    const made: string[] = [];
    for (let n = 0; n < count; n++) made.push(await tx.component("").insert("t", { n, s: "old" }));
    return made;
  });
  return { database, ids };
}

async function prepareAndBuild(database: Database): Promise<void> {
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [impure] } }));
  await database.background.whenBuilt();
}

async function begin(database: Database): Promise<void> {
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", impure);
    await tx.applySchema("", schema);
  });
}

/** For each index, how many entries each document has, in the order of creation. */
async function entriesOf(database: Database): Promise<number[][]> {
  return await database.inspect(async (state) => {
    const table = state.catalog.table("", "t");
    if (table === undefined) throw new Error("no table");
    const tails = async (start: string): Promise<string[]> =>
      (await state.base.storage.scan({ start, end: prefixEnd(start) })).map(([key]) =>
        key.slice(-tailLength),
      );
    const documents = await tails(table.documentsPrefix);
    return await Promise.all(
      table.indexes.map(async ({ prefix }) => {
        const entries = await tails(prefix);
        const counts = documents.map((tail) => entries.filter((one) => one === tail).length);
        expect(entries).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
        return counts;
      }),
    );
  });
}

const impureIds = async (database: Database): Promise<unknown> => {
  const { value } = await database.query((tx) => tx.transforms());
  return value.map((transform) => [transform.impure, transform.failures.map(({ id }) => id)]);
};

test("the entry that is stored goes, wherever it stands, and the document is put on record", async () => {
  const { database, ids } = await openWith(4);
  await prepareAndBuild(database);
  await database.background.stop();
  await begin(database);
  await database.mutate(async (tx) => {
    await tx.component("").delete(ids[0] ?? "");
    await tx.component("").patch(ids[1] ?? "", { s: "mine" });
  });
  expect(await entriesOf(database)).toEqual([[1, 1, 1]]);
  expect(await readAll(database, indexRange("t.by_s", ["Eq", "s", "mine"]))).toMatchObject([{ _id: ids[1] }]);
  expect(await impureIds(database)).toEqual([[2, [ids[0], ids[1]]]]);
});

test("several writes of one document in one transaction leave one entry, or none", async () => {
  const { database, ids } = await openWith(3);
  await prepareAndBuild(database);
  await database.background.stop();
  await begin(database);
  await database.mutate(async (tx) => {
    const app = tx.component("");
    for (const s of ["a", "b", "a"]) await app.patch(ids[0] ?? "", { s });
    await app.patch(ids[1] ?? "", { s: "c" });
    await app.delete(ids[1] ?? "");
    const nested = tx.nested(async () => {
      await app.patch(ids[2] ?? "", { s: "d" });
      throw new Error("on purpose");
    });
    await nested.catch(() => {});
  });
  expect(await entriesOf(database)).toEqual([[1, 1]]);
  expect(await readAll(database, indexRange("t.by_s", ["Eq", "s", "a"]))).toMatchObject([{ _id: ids[0] }]);
});

test("a document that was given an entry in the same transaction loses that one", async () => {
  const { database, ids } = await openWith(2);
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [impure] } }));
  await database.background.whenBuilt();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    // Each write of it runs the transform anew for the prepared index.
    for (const n of [10, 20, 30]) await app.patch(ids[0] ?? "", { n });
    const own = await app.insert("t", { n: 40, s: "old" });
    await app.patch(own, { n: 50 });
    await app.patch(own, { n: 60 });
    const gone = await app.insert("t", { n: 70, s: "old" });
    await app.patch(gone, { n: 80 });
    await app.delete(gone);
  });
  expect(await entriesOf(database)).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ]);
});

test("a write while the index is only prepared keeps it whole, too", async () => {
  const { database, ids } = await openWith(3);
  await prepareAndBuild(database);
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[0] ?? "", { n: 10 });
    await tx.component("").delete(ids[1] ?? "");
    await tx.component("").insert("t", { n: 20, s: "old" });
  });
  expect(await entriesOf(database)).toEqual([
    [1, 1, 1],
    [1, 1, 1],
  ]);
});

test("what the build has not come to yet is left to it", async () => {
  const { database, ids } = await openWith(9);
  await database.background.stop();
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [impure] } }));
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[0] ?? "", { n: 10 });
    await tx.component("").delete(ids[1] ?? "");
    await tx.component("").insert("t", { n: 20, s: "old" });
  });
  const [own, prepared] = await entriesOf(database);
  expect([own, prepared]).toEqual([Array.from({ length: 9 }, () => 1), Array.from({ length: 9 }, () => 0)]);
  expect(await readAll(database, fullScan("t"))).toHaveLength(9);
});

test("an index in force that is still being built gets each document once, whoever comes to it first", async () => {
  const { database, ids } = await openWith(9);
  await database.background.stop();
  await begin(database);
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[0] ?? "", { n: 10 });
    await tx.component("").delete(ids[1] ?? "");
  });
  const [entries] = await entriesOf(database);
  expect(entries?.slice(0, 1)).toEqual([1]);
  expect(entries?.every((count) => count <= 1)).toBe(true);
  expect(await impureIds(database)).toEqual([[0, []]]);
});

test("more entries than one look takes are searched to the last", async () => {
  const { database, ids } = await openWith(1100);
  await prepareAndBuild(database);
  await database.background.stop();
  await begin(database);
  await database.mutate(async (tx) => {
    await tx.component("").delete(ids[1099] ?? "");
    await tx.component("").delete(ids[0] ?? "");
    await tx.component("").delete(ids[998] ?? "");
  });
  const [entries] = await entriesOf(database);
  expect(entries).toEqual(Array.from({ length: 1097 }, () => 1));
});
