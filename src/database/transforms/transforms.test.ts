import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { parseSchema, type SchemaJson } from "../../schema/index.js";
import type { Database } from "../database.js";
import type { Document } from "../documents/document.js";
import type { TransformDefinition, TransformFunction } from "./types.js";

const byN = parseSchema(defineSchema({ t: defineTable(v.any()).index("by_n", ["n"]) }));
const byM = parseSchema(defineSchema({ t: defineTable(v.any()).index("by_m", ["m"]) }));

const doubled: TransformDefinition = { name: "m:doubled", origin: "1", hasDown: true };
const halved: TransformDefinition = { name: "m:doubled", origin: "2", hasDown: true, undoes: 1 };
const renamed: TransformDefinition = { name: "m:renamed", origin: "1", hasDown: false };

const functions: Readonly<Record<string, TransformFunction>> = {
  "m:doubled 1": (document) => ({ ...document, n: Number(document["n"]) * 2, extra: "x".repeat(20) }),
  "m:doubled 2": ({ n, _id, _creationTime }) => ({ _id, _creationTime, n: Number(n) / 2 }),
  "m:renamed 1": ({ n, ...document }) => ({ ...document, m: n }),
  "m:throws 1": (document) => {
    if (document["n"] === 3) throw new Error("three is too much");
    return document;
  },
};

function load(database: Database): void {
  database.setTransforms(({ name, origin }) => functions[`${name} ${origin}`]);
}

async function openWith(
  count: number,
  schema: SchemaJson = byN,
): Promise<{ database: Database; ids: string[] }> {
  const database = await openDatabase();
  load(database);
  const ids = await mutate(database, async (tx) => {
    await tx.applySchema("", schema);
    const inserted: string[] = [];
    for (let n = 0; n < count; n++) inserted.push(await tx.component("").insert("t", { n }));
    return inserted;
  });
  return { database, ids };
}

function valuesOf(documents: readonly Document[], field: string): unknown[] {
  return documents.map((document) => document[field]);
}

test("documents are in the new shape from the transaction that begins it on, and are written through behind it", async () => {
  const { database, ids } = await openWith(5);
  const before = await readAll(database, fullScan("t"));
  await database.mutate((tx) => tx.prepareIndexes("", byN, { through: { t: [doubled] } }));
  await database.background.whenBuilt();
  expect(await readAll(database, indexRange("t.by_n"))).toEqual(before);
  await database.mutate(async (tx) => {
    expect(tx.beginTransform("", "t", doubled)).toBe(1);
    const change = await tx.applySchema("", byN);
    expect(change.indexesKept).toMatchObject([{ indexName: "by_n", needsBackfill: false }]);
    const app = tx.component("");
    expect(await app.get(ids[2] ?? "")).toMatchObject({ n: 4 });
    expect(valuesOf(await app.stream(indexRange("t.by_n", ["Gte", "n", 4])).take(9), "n")).toEqual([4, 6, 8]);
  });
  const after = await readAll(database, fullScan("t"));
  expect(after).toEqual(before.map((one) => ({ ...one, n: Number(one["n"]) * 2, extra: "x".repeat(20) })));
  await database.background.whenIdle();
  expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
  expect(await readAll(database, fullScan("t"))).toEqual(after);
  expect(await readAll(database, indexRange("t.by_n"))).toEqual(after);
  await database.close();
});

test("a rollback before the write-through returns what is stored, and carries back what was written since", async () => {
  const { database, ids } = await openWith(3);
  const before = await readAll(database, fullScan("t"));
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", doubled);
    await tx.component("").patch(ids[1] ?? "", { n: 100 });
    tx.beginTransform("", "t", halved);
  });
  const [first, second, third] = await readAll(database, fullScan("t"));
  expect([first, third]).toEqual([before[0], before[2]]);
  expect(second).toEqual({ ...before[1], n: 50 });
  await database.background.whenIdle();
  expect(await readAll(database, fullScan("t"))).toEqual([first, second, third]);
  await database.close();
});

test("transforms in a row are applied in their order, also when the first still lags", async () => {
  const { database } = await openWith(4);
  await database.mutate((tx) => tx.prepareIndexes("", byM, { through: { t: [doubled, renamed] } }));
  await database.background.whenBuilt();
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", doubled);
    tx.beginTransform("", "t", renamed);
    const { indexesKept } = await tx.applySchema("", byM);
    expect(indexesKept).toMatchObject([{ indexName: "by_m", needsBackfill: false }]);
  });
  expect(valuesOf(await readAll(database, indexRange("t.by_m")), "m")).toEqual([0, 2, 4, 6]);
  await database.background.whenIdle();
  expect(valuesOf(await readAll(database, indexRange("t.by_m")), "m")).toEqual([0, 2, 4, 6]);
  await database.close();
});

test("counts follow what is stored, and agree with the documents when nothing lags", async () => {
  const { database, ids } = await openWith(3);
  const counts = async (): Promise<unknown> =>
    (await database.query((tx) => tx.component("").counts("t"))).value;
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", doubled);
    await tx.component("").patch(ids[0] ?? "", { n: 1 });
    await tx.component("").delete(ids[1] ?? "");
  });
  await database.background.whenIdle();
  const settled = await counts();
  const copy = await openDatabase();
  for (const { _id, _creationTime, ...fields } of await readAll(database, fullScan("t"))) {
    await copy.mutate((tx) => tx.component("").insert("t", fields));
  }
  expect(settled).toEqual((await copy.query((tx) => tx.component("").counts("t"))).value);
  await database.close();
});

test("a write that a prepared transform fails on is written, and ends the preparation", async () => {
  const { database, ids } = await openWith(2);
  const throws: TransformDefinition = { name: "m:throws", origin: "1", hasDown: false };
  await database.mutate((tx) => tx.prepareIndexes("", byN, { through: { t: [throws] } }));
  await database.background.whenBuilt();
  await database.mutate((tx) => tx.component("").patch(ids[1] ?? "", { n: 3 }));
  expect(await readAll(database, indexRange("t.by_n", ["Eq", "n", 3]))).toHaveLength(1);
  expect((await database.query((tx) => tx.transforms())).value).toMatchObject([
    { state: "prepared", failed: 1, failures: [{ id: ids[1], message: "three is too much" }] },
  ]);
  const begin = database.mutate(async (tx) => tx.beginTransform("", "t", throws));
  await expect(begin).rejects.toMatchObject({ code: "TRANSFORM_FAILED", details: { id: ids[1] } });
  await database.mutate(async (tx) => tx.abandonPrepared(""));
  expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
  await database.close();
});

test("without its function a lagging document is refused, never shown as it was", async () => {
  const { database, ids } = await openWith(2);
  database.setTransforms(() => undefined);
  await database.mutate(async (tx) => tx.beginTransform("", "t", doubled));
  await database.background.whenIdle();
  await expect(readAll(database, fullScan("t"))).rejects.toMatchObject({
    code: "TRANSFORM_MISSING",
    details: { id: ids[0], transform: "m:doubled" },
  });
  expect((await database.query((tx) => tx.transforms())).value).toMatchObject([
    { state: "lagging", isLoaded: false, processed: 0, total: 2 },
  ]);
  load(database);
  await database.background.whenIdle();
  expect(valuesOf(await readAll(database, fullScan("t")), "n")).toEqual([0, 2]);
  await database.close();
});
