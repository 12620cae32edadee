/**
 * Transforms that are no functions, forced past every rehearsal: each run makes another document. What is stored must
 * stay whole all the same: an entry for each document in each index and no other, right counts, and no read that gives
 * a document at a place of the index where it does not belong.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Database, type Document, type TransformDefinition } from "../../src/database/index.js";
import { decodeDocument, shapeOfText } from "../../src/database/documents/stored-document.js";
import { entryKey, tailLength } from "../../src/database/catalog/key-layout.js";
import { isTrueupError } from "../../src/errors/index.js";
import type { SchemaJson } from "../../src/schema/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { KeyRange, OpenStorage } from "../../src/storage/storage.js";
import { prefixEnd } from "../../src/values/index.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { fullScan, indexRange, mutate } from "../setup/open-database.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { runs } from "../setup/property-runs.js";

const schema: SchemaJson = {
  schemaValidation: true,
  tables: [
    {
      tableName: "t",
      indexes: [
        { indexDescriptor: "by_s", fields: ["s"] },
        { indexDescriptor: "by_n_s", fields: ["n", "s"] },
      ],
      documentType: { type: "any" },
      ...{ stagedDbIndexes: [], searchIndexes: [], stagedSearchIndexes: [] },
      ...{ vectorIndexes: [], stagedVectorIndexes: [] },
    },
  ],
};

const path = temporaryFolder();
let files = 0;

const storages: readonly [name: string, runs: number, open: () => OpenStorage][] = [
  ["memory", 150, () => memory()],
  ["SQLite", 30, () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
  ["a storage that takes its time", 30, () => new FaultyDisk(memory(), { delayTurns: 2 }).open],
  ["a storage with conflicts", 30, () => new FaultyDisk(memory(), { conflicts: 0.2 }).open],
];

type Step =
  | { readonly type: "insert" | "read" | "built" | "idle" }
  | { readonly type: "patch" | "delete"; readonly at: number; readonly isRead: boolean }
  | { readonly type: "background"; readonly commits: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant("insert" as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("read" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("patch" as const, "delete" as const),
      at: fc.nat(20),
      isRead: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("background" as const),
      commits: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("built" as const, "idle" as const) }) },
);

const life = fc.record({
  documents: fc.nat(12),
  /** Runs before the transform is in force. */
  meanwhile: fc.option(fc.array(step, { maxLength: 8 }), { nil: null }),
  after: fc.array(step, { maxLength: 20 }),
  options: fc.record({
    cacheBytes: fc.constantFrom(0, 700, 1 << 20),
    backgroundBatch: fc.integer({ min: 1, max: 5 }),
  }),
});

const impure: TransformDefinition = { name: "impure", origin: "up", hasDown: false };

async function openWith(
  open: OpenStorage,
  options: { readonly cacheBytes: number; readonly backgroundBatch?: number },
): Promise<Database> {
  const database = await Database.open(await open(), options);
  let runs = 0;
  database.setTransforms(() => (document) => ({ ...document, s: `s${(runs++ * 7) % 11}` }));
  await database.mutate((tx) => tx.applySchema("", schema));
  return database;
}

async function insert(database: Database, n: number): Promise<string> {
  return await mutate(database, (tx) => tx.component("").insert("t", { n, s: "new" }));
}

async function begin(database: Database): Promise<void> {
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", impure);
    await tx.applySchema("", schema);
  });
  await database.background.whenBuilt();
}

function isImpure(error: unknown): boolean {
  return isTrueupError(error) && error.code === "TRANSFORM_FAILED" && error.details["kind"] === "impure";
}

/** Reads a table by an index: it must come in order, with no document twice, or be refused. */
async function readInOrder(database: Database): Promise<void> {
  let documents: Document[];
  try {
    documents = (await database.query((tx) => tx.component("").stream(indexRange("t.by_s")).take(Infinity)))
      .value;
  } catch (error) {
    if (isImpure(error)) return;
    throw error;
  }
  const keys = documents.map(({ s }) => (typeof s === "string" ? s : ""));
  expect(keys).toEqual(keys.toSorted());
  expect(new Set(documents.map(({ _id }) => _id)).size).toBe(documents.length);
}

/** Every index has exactly what belongs in it, and the counts are those of the documents. */
async function checkWhole(database: Database, ids: readonly string[]): Promise<void> {
  await database.inspect(async (state) => {
    const table = state.catalog.table("", "t");
    if (table === undefined) throw new Error("no table");
    const within = (start: string): KeyRange => ({ start, end: prefixEnd(start) });
    const rows = await state.base.storage.scan(within(table.documentsPrefix));
    for (const [, text] of rows) expect(shapeOfText(text)).toBe(table.shape);
    for (const index of table.indexes) {
      const entries = await state.base.storage.scan(within(index.prefix));
      const expected = rows.map(([key, text]) =>
        entryKey(index, decodeDocument(text).document, key.slice(-tailLength)),
      );
      expect(entries.map(([key]) => key)).toEqual(expected.toSorted());
    }
    expect(rows).toHaveLength(ids.length);
    expect((await state.counts(table)).documents).toBe(ids.length);
  });
  const read = await database.query((tx) => tx.component("").stream(fullScan("t")).take(Infinity));
  expect(read.value.map(({ _id }) => _id).toSorted()).toEqual(ids.toSorted());
}

async function run(database: Database, ids: string[], one: Step): Promise<void> {
  switch (one.type) {
    case "insert":
      ids.push(await insert(database, ids.length));
      return;
    case "read":
      return await readInOrder(database);
    case "built":
      return await database.background.whenBuilt();
    case "idle":
      return await database.background.whenIdle();
    case "background":
      for (let commit = 0; commit < one.commits; commit++) await new Promise(setImmediate);
      return;
    default: {
      const id = ids[one.at % Math.max(1, ids.length)];
      if (id === undefined) return;
      await database.mutate(async (tx) => {
        const component = tx.component("");
        if (one.type === "patch") await component.patch(id, { n: one.at });
        else await component.delete(id);
        if (!one.isRead) return;
        const read = component.stream(indexRange("t.by_n_s")).take(Infinity);
        const found: Document[] = await read.catch((error: unknown) => {
          if (isImpure(error)) return [];
          throw error;
        });
        if (one.type === "delete") expect(found.map(({ _id }) => _id)).not.toContain(id);
      });
      if (one.type === "delete") ids.splice(ids.indexOf(id), 1);
    }
  }
}

describe.each(storages)("on %s", (_, numRuns, open) => {
  test("whatever an impure transform makes, what is stored stays whole", async () => {
    await fc.assert(
      fc.asyncProperty(life, async ({ documents, meanwhile, after, options }) => {
        const database = await openWith(open(), options);
        const ids: string[] = [];
        for (let n = 0; n < documents; n++) ids.push(await insert(database, n));
        if (documents === 0) await database.mutate((tx) => tx.ensureTable("", "t", []));
        if (meanwhile !== null) {
          await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [impure] } }));
          for (const one of meanwhile) await run(database, ids, one);
        }
        await begin(database);
        for (const one of after) await run(database, ids, one);
        await database.background.whenIdle();
        await checkWhole(database, ids);
        await database.close();
      }),
      { numRuns: runs(numRuns) },
    );
  });
});

/** Prepares and builds the index, so that its entries come from other runs of the transform than those to come. */
async function openBuilt(): Promise<{ database: Database; ids: string[] }> {
  const database = await openWith(memory(), { cacheBytes: 0 });
  const ids = [await insert(database, 0), await insert(database, 1), await insert(database, 2)];
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [impure] } }));
  await database.background.whenBuilt();
  return { database, ids };
}

test("what a write removes from an index is what was stored there, and the transform is put on record", async () => {
  const { database, ids } = await openBuilt();
  const [first = "", second = ""] = ids;
  await database.background.stop();
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", impure);
    await tx.applySchema("", schema);
    await tx.component("").delete(first);
    await tx.component("").patch(second, { s: "mine" });
    const stream = tx.component("").stream(indexRange("t.by_s", ["Eq", "s", "mine"]));
    expect(await stream.take(9)).toMatchObject([{ _id: second }]);
  });
  const { value } = await database.query((tx) => tx.transforms());
  expect(value).toMatchObject([{ name: "impure", impure: 2, failures: [{ id: first }, { id: second }] }]);
});

test("a document that an index has elsewhere than its transform puts it is refused by name", async () => {
  const { database } = await openBuilt();
  const reading = database.mutate(async (tx) => {
    tx.beginTransform("", "t", impure);
    await tx.applySchema("", schema);
    await tx.component("").stream(indexRange("t.by_s")).take(9);
  });
  await expect(reading).rejects.toMatchObject({
    code: "TRANSFORM_FAILED",
    details: { id: expect.any(String), table: "t", transform: "impure", kind: "impure" },
  });
});
