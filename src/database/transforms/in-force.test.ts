/** What a change of shape means for everything beside plain reads: hooks, live queries, cursors, failures, removal. */
import { CommitTsPlaceholder } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { FaultyDisk } from "../../../suites/storage/faulty-storage.js";
import type { TableJson } from "../../schema/index.js";
import { memory } from "../../storage/memory/index.js";
import { Database } from "../database.js";
import type { Document } from "../documents/document.js";
import type { Change } from "../transaction/types.js";
import type { TransformDefinition, TransformFunction } from "./types.js";

const by = (...fields: string[]): { indexDescriptor: string; fields: string[] }[] =>
  fields.map((field) => ({ indexDescriptor: `by_${field}`, fields: [field] }));

function tableBy(...fields: string[]): TableJson {
  return {
    tableName: "t",
    indexes: by(...fields),
    documentType: { type: "any" },
    ...{ stagedDbIndexes: [], searchIndexes: [], stagedSearchIndexes: [] },
    ...{ vectorIndexes: [], stagedVectorIndexes: [] },
  };
}

const shout: TransformDefinition = { name: "shout", origin: "up", hasDown: true };
const back: TransformDefinition = { ...shout, origin: "down", undoes: 1 };

/** Loses which letters were capital, so that `down` cannot bring back what `up` was given. */
const functions: Readonly<Record<string, TransformFunction>> = {
  "shout up": (document) => ({ ...document, s: `${document["s"] as string}`.toUpperCase() }),
  "shout down": (document) => ({ ...document, s: `${document["s"] as string}`.toLowerCase() }),
};

async function openWith(
  texts: readonly string[],
  open = memory(),
): Promise<{ database: Database; ids: string[] }> {
  const database = await Database.open(await open(), { backgroundBatch: 2 });
  database.setTransforms(({ name, origin }) => functions[`${name} ${origin}`]);
  const ids = await mutate(database, async (tx) => {
    await tx.ensureTable("", "t", by("s"));
    const inserted: string[] = [];
    for (const s of texts) inserted.push(await tx.component("").insert("t", { s }));
    return inserted;
  });
  return { database, ids };
}

async function begin(database: Database, definition: TransformDefinition): Promise<void> {
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", definition);
    await tx.ensureTable("", "t", by("s"));
  });
  await database.background.whenBuilt();
}

function texts(documents: readonly Document[]): unknown[] {
  return documents.map(({ s }) => s);
}

test("a rollback gives back exactly what was stored, for what was not written in the new shape", async () => {
  const { database, ids } = await openWith(["Ann", "Bob", "Cid"]);
  database.setTransforms(() => undefined);
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", shout);
  });
  database.setTransforms(({ name, origin }) => functions[`${name} ${origin}`]);
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[1] ?? "", { touched: true });
    tx.beginTransform("", "t", back);
    await tx.ensureTable("", "t", by("s"));
  });
  expect(texts(await readAll(database, fullScan("t")))).toEqual(["Ann", "bob", "Cid"]);
  await database.background.whenIdle();
  expect(texts(await readAll(database, fullScan("t")))).toEqual(["Ann", "bob", "Cid"]);
  expect(texts(await readAll(database, indexRange("t.by_s")))).toEqual(["Ann", "Cid", "bob"]);
});

test("change hooks see documents in the new shape, and hear nothing of the write-through", async () => {
  const { database, ids } = await openWith(["a", "b", "c"]);
  const changes: Change[] = [];
  const hooks = [async (_tx: unknown, change: Change): Promise<void> => void changes.push(change)];
  database.setHooks(() => hooks);
  await begin(database, shout);
  await database.mutate((tx) => tx.component("").patch(ids[0] ?? "", { n: 1 }));
  await database.background.whenIdle();
  expect(changes).toMatchObject([{ operation: "update", oldDoc: { s: "A" }, newDoc: { s: "A", n: 1 } }]);
  await database.mutate((tx) => tx.component("").delete(ids[1] ?? ""));
  expect(changes.at(-1)).toMatchObject({ operation: "delete", oldDoc: { s: "B" } });
});

test("the activation wakes every reader of the table, the write-through none", async () => {
  const { database, ids } = await openWith(["a", "b", "c"]);
  await database.mutate((tx) => tx.component("").insert("other", {}));
  const readers = [
    fullScan("t"),
    indexRange("t.by_s", ["Eq", "s", "b"]),
    indexRange("t.by_id", ["Eq", "_id", ids[0]]),
  ];
  const readSetsOf = async (): Promise<{ all: boolean[] }[]> => {
    const sets = [
      ...(await Promise.all(
        readers.map((query) => database.query((tx) => tx.component("").stream(query).take(9))),
      )),
      await database.query((tx) => tx.component("").get(ids[2] ?? "")),
      await database.query((tx) => tx.component("").stream(fullScan("other")).take(9)),
    ].map(({ readSet }) => ({ readSet, all: [] as boolean[] }));
    database.onCommit((commit) => {
      for (const { readSet, all } of sets) all.push(readSet.intersects(commit));
    });
    return sets;
  };
  const before = await readSetsOf();
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", shout);
    await tx.ensureTable("", "t", by("s"));
  });
  expect(before.map(({ all }) => all[0])).toEqual([true, true, true, true, false]);
  await database.background.whenBuilt();
  const after = await readSetsOf();
  const written: unknown[] = [];
  database.onCommit((commit) => written.push(...commit.documents(), ...commit.tables));
  await database.background.whenIdle();
  expect(after.every(({ all }) => all.length > 2 && all.every((isWoken) => !isWoken))).toBe(true);
  expect(written).toEqual([]);
});

test("a cursor goes on in the new shape where it stood", async () => {
  const { database } = await openWith(["a", "b", "c", "d"]);
  const page = async (cursor: string | null): Promise<{ page: Document[]; continueCursor: string }> =>
    (await database.query((tx) => tx.component("").page(fullScan("t"), { cursor, numItems: 2 }))).value;
  const first = await page(null);
  await begin(database, shout);
  const second = await page(first.continueCursor);
  expect([...texts(first.page), ...texts(second.page)]).toEqual(["a", "b", "C", "D"]);
});

test("a document that a transform in force fails on is refused by name, and a rollback frees it", async () => {
  const { database, ids } = await openWith(["a", "b", "c", "d", "e"]);
  database.setTransforms(({ origin }) => (document) => {
    if (origin === "up" && document["s"] === "b") throw new Error("not b");
    return document;
  });
  await begin(database, shout);
  await database.background.whenIdle();
  const failed = { code: "TRANSFORM_FAILED", details: { id: ids[1], transform: "shout", error: "not b" } };
  await expect(readAll(database, fullScan("t"))).rejects.toMatchObject(failed);
  await expect(database.query((tx) => tx.component("").get(ids[1] ?? ""))).rejects.toMatchObject(failed);
  expect((await database.query((tx) => tx.transforms())).value).toMatchObject([
    { state: "lagging", processed: 5, total: 5, failed: 1, failures: [{ id: ids[1], message: "not b" }] },
  ]);
  await begin(database, back);
  await database.background.whenIdle();
  expect(texts(await readAll(database, indexRange("t.by_s")))).toEqual(["a", "b", "c", "d", "e"]);
  expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
});

test("a failure is tried again when functions come anew", async () => {
  const { database } = await openWith(["a", "b"]);
  database.setTransforms(() => () => {
    throw new Error("not yet");
  });
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", shout);
  });
  await database.background.whenIdle();
  const settled: string[] = [];
  database.onTransformSettled(({ name, shape }) => settled.push(`${name} ${shape}`));
  database.setTransforms(({ name, origin }) => functions[`${name} ${origin}`]);
  await database.background.whenIdle();
  expect(texts(await readAll(database, fullScan("t")))).toEqual(["A", "B"]);
  expect(settled).toEqual(["shout 1"]);
});

test("a removed table or component leaves nothing of its transforms behind", async () => {
  const { database } = await openWith(["a", "b", "c"]);
  await database.mutate(async (tx) => {
    await tx.component("sub").insert("t", { s: "x" });
    tx.beginTransform("sub", "t", shout);
    tx.beginTransform("", "t", shout);
  });
  await database.mutate(async (tx) => {
    tx.removeTable("", "t");
    tx.removeComponent("sub");
  });
  await database.background.whenIdle();
  const left = await database.inspect(async ({ base }) => await base.storage.scan({ start: "" }));
  const kinds = new Set(left.map(([key]) => key.slice(0, 2)));
  for (const kind of ["\x01s", "\x01w", "\x02\0", "\x03\0", "\x04\0"]) expect(kinds.has(kind)).toBe(false);
  await database.mutate((tx) => tx.component("").insert("t", { s: "new" }));
  expect(texts(await readAll(database, fullScan("t")))).toEqual(["new"]);
});

test("what is prepared can be read ahead, through its indexes too", async () => {
  const { database, ids } = await openWith(["b", "a"]);
  const schema = { schemaValidation: false, tables: [tableBy("s")] };
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [shout] } }));
  await database.background.whenBuilt();
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[0] ?? "", { s: "c" });
    const ahead = tx.prepared("");
    expect(await ahead.get(ids[0] ?? "")).toMatchObject({ s: "C" });
    expect(texts(await ahead.stream(indexRange("t.by_s")).take(9))).toEqual(["A", "C"]);
    expect(texts(await tx.component("").stream(indexRange("t.by_s")).take(9))).toEqual(["a", "c"]);
  });
});

test("a change hook can ask for the documents as the prepared transforms make them", async () => {
  const { database, ids } = await openWith(["a"]);
  const schema = { schemaValidation: false, tables: [] };
  const seen: unknown[] = [];
  database.setHooks(() => [
    async (_tx, { oldDoc, newDoc, prepared }) => {
      const ahead = prepared();
      seen.push([oldDoc?.["s"], newDoc?.["s"], ahead.oldDoc?.["s"], ahead.newDoc?.["s"]]);
    },
  ]);
  const write = (s: string): Promise<unknown> =>
    database.mutate((tx) => tx.component("").patch(ids[0] ?? "", { s }));
  await write("b");
  await database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [shout] } }));
  await write("c");
  await database.mutate((tx) => tx.component("").delete(ids[0] ?? ""));
  expect(seen).toEqual([
    ["a", "b", "a", "b"],
    ["b", "c", "B", "C"],
    ["c", undefined, "C", undefined],
  ]);
});

test("a preparation whose functions are gone ends with the next write, and no write fails for it", async () => {
  const disk = new FaultyDisk(memory());
  const { database: first, ids } = await openWith(["a", "b"], disk.open);
  const schema = { schemaValidation: false, tables: [] };
  await first.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: [shout] } }));
  await first.close();
  const database = await Database.open(await disk.open());
  expect((await database.query((tx) => tx.transforms())).value).toMatchObject([
    { state: "prepared", isLoaded: false },
  ]);
  await database.mutate((tx) => tx.component("").patch(ids[0] ?? "", { s: "c" }));
  expect((await database.query((tx) => tx.transforms())).value).toMatchObject([
    { state: "prepared", failed: 1 },
  ]);
  await database.mutate((tx) => tx.applySchema("", schema));
  expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
  expect(texts(await readAll(database, fullScan("t")))).toEqual(["c", "b"]);
});

test("tables that never changed shape store documents as ever", async () => {
  const database = await openDatabase();
  await database.mutate((tx) => tx.component("").insert("t", { s: "a" }));
  const stored = await database.inspect(
    async ({ base }) => await base.storage.scan({ start: "\x02", end: "\x03" }),
  );
  expect(stored.map(([, text]) => text[0])).toEqual(["{"]);
  expect((await database.query(async (tx) => tx.tableShape("", "t"))).value).toBe(0);
});

test("a commit timestamp written during a preparation is in the prepared index as it comes out", async () => {
  const { database } = await openWith([]);
  const shift: TransformFunction = ({ at, ...document }) => ({ ...document, s: at });
  database.setTransforms(() => shift);
  const schema = { schemaValidation: false, tables: [] };
  await database.mutate((tx) =>
    tx.prepareIndexes("", { ...schema, tables: [tableBy("s")] }, { through: { t: [shout] } }),
  );
  const id = await mutate(database, (tx) => tx.component("").insert("t", { at: new CommitTsPlaceholder() }));
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", shout);
    const { indexesKept } = await tx.applySchema("", { ...schema, tables: [tableBy("s")] });
    expect(indexesKept).toMatchObject([{ needsBackfill: false }]);
  });
  const [found] = await readAll(database, indexRange("t.by_s", ["Gt", "s", 0n]));
  expect(found).toMatchObject({ _id: id, s: expect.any(BigInt) });
  await database.background.whenIdle();
  expect(await readAll(database, indexRange("t.by_s", ["Eq", "s", found?.["s"]]))).toEqual([found]);
});
