/**
 * Tests what a transaction says of itself and of what exists, the times that it gives out, and that it refuses use after its end.
 */
import { CommitTsPlaceholder } from "convex/values";
import { expect, test } from "vitest";
import { fullScan, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import { memory } from "../../storage/memory/index.js";
import { Database } from "../database.js";
import type { Document, Fields } from "../documents/document.js";
import type { MutationTransaction } from "./types.js";

/** A database, and the storage below it, whose clock stands where the test puts it. */
async function openAt(ms: number): Promise<{ database: Database; clock: { ms: number } }> {
  const clock = { ms };
  const storage = await memory({ clock: () => clock.ms })();
  return { database: await Database.open(storage, { clock: () => clock.ms }), clock };
}

async function insert(database: Database, fields: Fields = {}): Promise<Document> {
  return await mutate(database, async (tx) => {
    const id = await tx.component("").insert("t", fields);
    return (await tx.component("").get(id)) as Document;
  });
}

test("a transaction knows the version that it reads, when it began, and what it may use", async () => {
  const { database, clock } = await openAt(5000);
  await insert(database);
  clock.ms = 6000;
  await database.query(async (tx) => {
    expect([tx.version, tx.beganAtMs]).toEqual([database.storage.version, 6000]);
    expect(tx.limits.documentsRead).toBe(32_000);
    expect(tx.readSet.keys.size).toBeGreaterThanOrEqual(0);
  });
});

test("the handles of a component and of its system are told apart, and are the same each time", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    expect(tx.component("a")).toBe(tx.component("a"));
    expect(tx.system("a")).toBe(tx.system("a"));
    expect(tx.system("a")).not.toBe(tx.system("b"));
    expect(tx.component("a")).not.toBe(tx.system("a"));
    await tx.system("a").insert("_jobs", {});
    expect(await tx.system("a").count("_jobs")).toBe(1);
    expect(await tx.system("b").count("_jobs")).toBe(0);
    expect(() => tx.staleReader("a").stream(fullScan("_jobs"))).toThrow(
      expect.objectContaining({ code: "SYSTEM_TABLE" }),
    );
  });
});

test("the shape of a table that is not there is 0, and so is one's that was never transformed", async () => {
  const database = await openDatabase();
  database.setTransforms(() => (document) => document);
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", {});
    expect([tx.tableShape("", "t"), tx.tableShape("", "u"), tx.tableShape("sub", "t")]).toEqual([0, 0, 0]);
    tx.beginTransform("", "t", { name: "m", origin: "", hasDown: false });
    expect(tx.tableShape("", "t")).toBe(1);
    expect(() => tx.beginTransform("sub", "t", { name: "m", origin: "", hasDown: false })).toThrow(
      expect.objectContaining({ code: "TABLE_NOT_FOUND", details: { table: "t", componentPath: "sub" } }),
    );
  });
});

test("a schema is pending from when it was set until it is said to be narrow, and indexes are built one by one", async () => {
  const { database } = await openAt(7000);
  const schema = { schemaValidation: true, tables: [] };
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", { n: 1 });
    await tx.applySchema("", schema, { pending: { migrations: ["m:a"], tables: ["t"] } });
    expect(tx.schemaState("")).toEqual({
      state: "pending",
      sinceMs: 7000,
      migrations: ["m:a"],
      tables: ["t"],
    });
    expect(tx.schemaState("sub")).toEqual({ state: "narrow" });
    tx.setNarrowed("");
    expect(tx.schemaState("")).toEqual({ state: "narrow" });
    await tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]);
    expect(await tx.indexBuilds()).toMatchObject([{ tableName: "t", indexName: "by_n" }]);
  });
});

test("creation times begin with the clock, and each next one is the next number there is", async () => {
  const { database, clock } = await openAt(1000);
  const next = (value: number): number => {
    const numbers = new Float64Array([value]);
    const bits = new BigInt64Array(numbers.buffer);
    bits[0] = (bits[0] ?? 0n) + 1n;
    return numbers[0] ?? 0;
  };
  const times = await mutate(database, async (tx) => {
    const made: number[] = [];
    for (let n = 0; n < 3; n++) {
      const id = await tx.component("").insert("t", {});
      made.push((await tx.component("").get(id))?._creationTime ?? 0);
    }
    return made;
  });
  expect(times).toEqual([1000, next(1000), next(next(1000))]);
  clock.ms = 2000;
  expect((await insert(database))._creationTime).toBe(2000);
  // When the clock has jumped back, times go on from the last commit.
  clock.ms = 500;
  const after = (await insert(database))._creationTime;
  expect([after > 2000, after < 2001]).toEqual([true, true]);
});

test("the first time of all is the least number above zero", async () => {
  const { database } = await openAt(0);
  expect((await insert(database))._creationTime).toBe(Number.MIN_VALUE);
});

test("a commit timestamp is filled in wherever it stands, and everything else stays as it is", async () => {
  const { database } = await openAt(5000);
  const at = new CommitTsPlaceholder();
  const bytes = new Uint8Array([1]).buffer;
  const fields = {
    at,
    o: { p: { at }, n: null, gone: undefined },
    l: [at, [at, 1]],
    s: "s",
    n: null,
    bytes,
    b: true,
    i: 5n,
  };
  const { _id, _creationTime } = await insert(database, fields);
  const [stored] = await readAll(database, fullScan("t"));
  const filled = 5_000_000_000n;
  expect(stored).toEqual({
    ...{ _id, _creationTime, at: filled, o: { p: { at: filled }, n: null }, l: [filled, [filled, 1]] },
    ...{ s: "s", n: null, bytes, b: true, i: 5n },
  });
});

test("commit timestamps are nanoseconds, one for a commit, and rise whatever the clock does", async () => {
  const { database, clock } = await openAt(5000.5);
  const at = new CommitTsPlaceholder();
  const stamps = async (): Promise<unknown[]> =>
    (await readAll(database, fullScan("t"))).map((document) => document["at"]);
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", { at });
    await tx.component("").insert("t", { at });
  });
  expect(await stamps()).toEqual([5_000_500_000n, 5_000_500_000n]);
  await insert(database, { at });
  clock.ms = 10;
  await insert(database, { at });
  clock.ms = 6000;
  await insert(database, { at });
  const all = (await stamps()) as bigint[];
  expect(all).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)));
  expect(new Set(all).size).toBe(4);
  expect(all.at(-1)).toBe(6_000_000_000n);
});

test("a commit timestamp in a table that is renamed or changed meanwhile stands where it belongs", async () => {
  const { database } = await openAt(5000);
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", { at: new CommitTsPlaceholder() });
    await tx.renameTables("", new Map([["t", "renamed"]]));
  });
  expect(await readAll(database, fullScan("renamed"))).toMatchObject([{ at: 5_000_000_000n }]);
});

test("ids that nobody knows are of no table, also for a reader that leaves no trace", async () => {
  const database = await openDatabase();
  const foreign = await mutate(await openDatabase(), async (tx) => {
    await tx.component("").insert("first", {});
    return await tx.component("").insert("second", {});
  });
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", {});
    for (const reader of [tx.component(""), tx.staleReader("")]) {
      expect([
        reader.tableOfId(foreign),
        reader.tableOfId("nonsense"),
        reader.normalizeId("none", foreign),
      ]).toEqual([null, null, null]);
      expect(await reader.get(foreign)).toBeNull();
      expect([await reader.count("none"), await reader.size("none")]).toEqual([0, 0]);
      expect(await reader.cells({ encode: String, decode: Number }).get("none")).toBeUndefined();
    }
    expect(await tx.staleReader("sub").cells({ encode: String, decode: Number }).get("none")).toBeUndefined();
    expect([await tx.component("").size("t"), await tx.staleReader("").size("t")]).toEqual([1, 0]);
  });
});

test("tables are told in the order of their names", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    for (const name of ["c", "a", "b"]) await tx.component("").insert(name, {});
    expect(tx.component("").tables()).toEqual(["a", "b", "c"]);
    expect(tx.component("nowhere").tables()).toEqual([]);
  });
});

test("an id is looked up in a table that is there without a trace, in one that is not with one", async () => {
  const database = await openDatabase();
  const { _id } = await insert(database);
  const traceOf = async (tableName: string): Promise<number> =>
    (await database.query(async (tx) => tx.component("").normalizeId(tableName, _id))).readSet.keys.size;
  expect([await traceOf("t"), await traceOf("none")]).toEqual([0, 1]);
});

const definition = { name: "m", origin: "", hasDown: false };
const calls: Readonly<Record<string, (tx: MutationTransaction) => unknown>> = {
  indexBuilds: (tx) => tx.indexBuilds(),
  transforms: (tx) => tx.transforms(),
  schemaState: (tx) => tx.schemaState(""),
  tableShape: (tx) => tx.tableShape("", "t"),
  nested: (tx) => tx.nested(async () => {}),
  afterCommit: (tx) => tx.afterCommit(() => {}),
  applySchema: (tx) => tx.applySchema("", null),
  setNarrowed: (tx) => tx.setNarrowed(""),
  prepareIndexes: (tx) => tx.prepareIndexes("", { schemaValidation: false, tables: [] }),
  abandonPrepared: (tx) => tx.abandonPrepared(""),
  beginTransform: (tx) => tx.beginTransform("", "t", definition),
  renameTables: (tx) => tx.renameTables("", new Map()),
  ensureTable: (tx) => tx.ensureTable("", "t", []),
  removeComponent: (tx) => tx.removeComponent(""),
  removeTable: (tx) => tx.removeTable("", "t"),
  get: (tx) => tx.component("").get("id"),
  page: (tx) => tx.component("").page(fullScan("t"), { cursor: null, numItems: 1 }),
  stream: (tx) => tx.component("").stream(fullScan("t")),
  counts: (tx) => tx.component("").counts("t"),
  cell: (tx) => tx.component("").cells({ encode: String, decode: Number }).get("c"),
  cellNames: (tx) => tx.component("").cells({ encode: String, decode: Number }).names("c", 1),
  setCell: (tx) => tx.component("").cells({ encode: String, decode: Number }).set("c", 1),
  insert: (tx) => tx.component("").insert("t", {}),
  patch: (tx) => tx.component("").patch("id", {}),
  replace: (tx) => tx.component("").replace("id", {}),
  delete: (tx) => tx.component("").delete("id"),
};

test.each(Object.keys(calls))("when a transaction is over, %s is refused", async (name) => {
  const database = await openDatabase();
  await insert(database);
  const { value: tx } = await database.mutate(async (own) => own);
  const over = expect.objectContaining({ code: "TRANSACTION_OVER" });
  await expect(async () => await calls[name]?.(tx)).rejects.toThrow(over);
});
