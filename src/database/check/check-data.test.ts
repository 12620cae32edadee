import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { mutate, openDatabase } from "../../../suites/setup/open-database.js";
import { parseSchema } from "../../schema/index.js";
import { prefixEnd } from "../../values/index.js";
import type { Database } from "../database.js";
import type { TransformDefinition, TransformFunction } from "../transforms/types.js";

const schema = parseSchema(defineSchema({ t: defineTable(v.any()).index("by_n", ["n"]) }));
const doubled: TransformDefinition = { name: "m:doubled", origin: "1", hasDown: false };
const double: TransformFunction = (document) => ({ ...document, n: Number(document["n"]) * 2 });

async function openWith(count: number): Promise<{ database: Database; ids: string[] }> {
  const database = await openDatabase();
  const ids = await mutate(database, async (tx) => {
    await tx.applySchema("", schema);
    const inserted: string[] = [];
    for (let n = 0; n < count; n++) inserted.push(await tx.component("").insert("t", { n }));
    return inserted;
  });
  return { database, ids };
}

/** Removes every other entry of the index, without the database noticing. */
async function loseEntries(database: Database): Promise<number> {
  return await database.mend(async (state) => {
    const { prefix } = state.catalog.table("", "t")?.indexes[0] ?? { prefix: "" };
    const entries = await state.base.storage.scan({ start: prefix, end: prefixEnd(prefix) });
    const lost = entries.filter((_, position) => position % 2 === 0);
    for (const [key] of lost) state.writeRecord(key, undefined);
    return lost.length;
  });
}

test("nothing is wrong while a transform is prepared, in force and written through", async () => {
  const { database } = await openWith(700);
  const sound = async (): Promise<void> => {
    expect(await database.check()).toMatchObject({ differences: [], documents: 700 });
  };
  await sound();
  database.setTransforms(() => double);
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [doubled] } }));
  await database.background.whenBuilt();
  await sound();
  // The transform is in force without its function, so nobody can tell where documents of the older shape should stand.
  database.setTransforms(() => undefined);
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", doubled);
    await tx.applySchema("", schema);
  });
  expect(await database.check()).toMatchObject({
    differences: [],
    unchecked: [expect.stringContaining("Index t.by_n was not checked")],
  });
  database.setTransforms(() => double);
  await sound();
  await database.background.whenIdle();
  await sound();
  await database.close();
});

test("a document in a shape from which nothing leads on is one that cannot be read", async () => {
  const { database, ids } = await openWith(3);
  database.setTransforms(() => double);
  await database.mutate(async (tx) => void tx.beginTransform("", "t", doubled));
  await database.background.whenIdle();
  await database.mend(async (state) => {
    const { documentsPrefix } = state.catalog.table("", "t") ?? { documentsPrefix: "" };
    const [first] = await state.base.storage.scan({ start: documentsPrefix }, { limit: 1 });
    state.writeRecord(first?.[0] ?? "", first?.[1].slice(1));
  });
  expect((await database.check({ repair: true })).differences).toEqual([
    {
      kind: "damagedDocument",
      componentPath: "",
      table: "t",
      documentId: ids[0],
      message: "its text is no document of this key",
      fixed: false,
    },
  ]);
  await database.close();
});

test("a repair beside live writes mends what is missing, and reports nothing that the writes did", async () => {
  const { database, ids } = await openWith(900);
  const lost = await loseEntries(database);
  let isDone = false;
  const writing = (async () => {
    for (let round = 0; !isDone; round++) {
      await mutate(database, async (tx) => {
        await tx.component("").patch(ids[(round * 7) % 900] ?? "", { more: round });
        await tx.component("").insert("t", { n: -round });
      });
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  })();
  const report = await database.check({ repair: true });
  isDone = true;
  await writing;
  expect(new Set(report.differences.map(({ kind }) => kind))).toEqual(new Set(["missingIndexEntry"]));
  expect(report.differences.length).toBe(lost);
  expect(await database.check()).toMatchObject({ differences: [], unchecked: [] });
  await database.close();
});

test("what belongs to no table is told", async () => {
  const { database } = await openWith(1);
  await database.mend(async (state) => state.writeRecord("\x02\0\x07\0\0stray", "{}"));
  expect((await database.check()).differences).toMatchObject([
    { kind: "strayEntry", key: expect.stringMatching(/^0200070000/), fixed: false },
  ]);
  await database.close();
});
