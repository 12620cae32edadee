/**
 * Tests which parts of the storage a view reads, and what it asks and tells the caches, in a mutation and in a snapshot, whether
 * the storage answers at once or later.
 */
import { describe, expect, test } from "vitest";
import type { StorageReader } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { documentTail } from "../catalog/key-layout.js";
import { Caches } from "../documents/caches.js";
import { type VersionedCache, View } from "../documents/versioned-cache.js";
import { Shapes } from "../transforms/shapes.js";
import { BaseView, cachedSize, tailOf } from "./base-view.js";

const table: TableEntry = {
  ...{ id: 7, number: 10_001, name: "t", componentPath: "sub", check: null, indexes: [] },
  ...{ documentsPrefix: "d-", idsPrefix: "i-", countsKey: "counts" },
  ...{ shape: 0, settledShape: 0, transforms: [] },
};
const up = { name: "up", origin: "", hasDown: false, shape: 1, beganAtMs: 0, failure: null };
const transformed: TableEntry = { ...table, shape: 1, transforms: [up] };

const internalId = "0123456789abcdef";
const tail = documentTail(5, internalId);
const idsKey = `i-${internalId}`;
const documentKey = `d-${tail}`;
const text = '{"_creationTime":5,"_id":"an id","n":1}';
const stored = { [idsKey]: "5", [documentKey]: text, record: "a record", cell: "7" };

const codec = { encode: String, decode: (given: string) => Number(given) };

type Reader = "mutation" | "snapshot";

/** A view of such a storage, and the keys that it read. */
function viewOf(
  reader: Reader,
  {
    isLate = false,
    data = stored,
    caches = newCaches(),
    version = 3,
  }: {
    isLate?: boolean;
    data?: Readonly<Record<string, string>>;
    caches?: Caches;
    version?: number;
  } = {},
): { view: BaseView; read: string[]; caches: Caches; runs: () => number } {
  const read: string[] = [];
  const get = (key: string): string | undefined => {
    read.push(key);
    return data[key];
  };
  const storage: StorageReader = {
    version,
    get: (key) => (isLate ? Promise.resolve(get(key)) : get(key)),
    getMany: (keys) => (isLate ? Promise.resolve(keys.map(get)) : keys.map(get)),
    scan: () => [],
  };
  const shapes = new Shapes();
  let runs = 0;
  shapes.setResolver(() => (document) => {
    runs++;
    return { ...document, up: true };
  });
  const view = new View(version, reader === "mutation" ? 5 : 0);
  return { view: new BaseView(storage, caches, view, shapes), read, caches, runs: () => runs };
}

function newCaches(bytes = Infinity): Caches {
  return new Caches(bytes);
}

/** Sets what a commit wrote. */
function write<V>(cache: VersionedCache<V>, key: string, value: V, version: number): void {
  const origin = { version, order: 6, isRefused: false };
  cache.begin(key, value, 1, origin, true);
  cache.end(key, origin, version);
}

const readers: readonly Reader[] = ["mutation", "snapshot"];

describe.each([false, true])("a storage that answers later: %s", (isLate) => {
  test.each(readers)("what was read is not read again in a %s", async (reader) => {
    const { view, read, caches } = viewOf(reader, { isLate });
    const again = viewOf(reader, { isLate, caches });
    const readAll = async (of: BaseView): Promise<unknown[]> => [
      await of.record("record"),
      await of.cell("cell", codec),
      (await of.document(table, internalId))?.document,
    ];
    const expected = ["a record", { value: 7 }, { _creationTime: 5, _id: "an id", n: 1 }];
    expect(await readAll(view)).toEqual(expected);
    expect(read).toEqual(["record", "cell", idsKey, documentKey]);
    expect(await readAll(again.view)).toEqual(expected);
    expect(again.read).toEqual([]);
  });

  test.each(readers)("what is not there is told in a %s, and of cells it is remembered", async (reader) => {
    const { view, caches } = viewOf(reader, { isLate, data: {} });
    expect([
      await view.record("record"),
      await view.cell("cell", codec),
      await view.document(table, internalId),
    ]).toEqual([undefined, null, null]);
    const again = viewOf(reader, { isLate, data: stored, caches });
    expect(await again.view.record("record")).toBe("a record");
    expect(await again.view.cell("cell", codec)).toBeNull();
    expect(await again.view.document(table, internalId)).not.toBeNull();
  });

  test("a document whose id is there and which is not itself is STORAGE_CORRUPT", async () => {
    const { view } = viewOf("mutation", { isLate, data: { [idsKey]: "5" } });
    const corrupt = { code: "STORAGE_CORRUPT", details: { table: "t", componentPath: "sub" } };
    await expect(async () => await view.document(table, internalId)).rejects.toMatchObject(corrupt);
    await expect(async () => await view.documentTexts(table, [tail])).rejects.toMatchObject(corrupt);
    const whole = viewOf("mutation", { isLate }).view;
    expect(await whole.documentTexts(table, [tail, tail])).toEqual([text, text]);
    expect(await whole.documentTexts(table, [])).toEqual([]);
  });

  test("a document comes in its table's shape, and is cached as it is stored", async () => {
    const { view, caches } = viewOf("mutation", { isLate });
    expect(await view.document(transformed, internalId)).toMatchObject({
      shape: 1,
      document: { n: 1, up: true },
    });
    expect(view.cached(idsKey)).toMatchObject({ shape: 0, document: { n: 1 } });
    const again = viewOf("mutation", { isLate, caches });
    expect((await again.view.document(transformed, internalId))?.document["up"]).toBe(true);
    expect((await again.view.document(table, internalId))?.document["up"]).toBeUndefined();
    expect(again.read).toEqual([]);
  });
});

test("a view does not believe what a later commit wrote", () => {
  const caches = newCaches();
  const later = { value: 8 };
  write(caches.cells, "cell", later, 9);
  write(caches.records, "record", "later", 9);
  for (const reader of readers) {
    expect(viewOf(reader, { caches, version: 9 }).view.cell("cell", codec)).toBe(later);
    expect(viewOf(reader, { caches, version: 8 }).view.cell("cell", codec)).toEqual({ value: 7 });
    expect(viewOf(reader, { caches, version: 8 }).view.record("record")).toBe("a record");
    expect(viewOf(reader, { caches, version: 9 }).view.record("record")).toBe("later");
  }
});

test("a count that is being added to is read by mutations, which see what is under way, and not by snapshots", () => {
  const caches = newCaches();
  write(caches.records, "counts", "1,10", 3);
  const countsOf = (reader: Reader): unknown =>
    viewOf(reader, { caches, data: { counts: "2,20" } }).view.counts(table);
  expect(readers.map(countsOf)).toEqual(readers.map(() => ({ documents: 1, sizeBytes: 10 })));
  caches.records.beginAdding("counts");
  expect(readers.map(countsOf)).toEqual([
    { documents: 2, sizeBytes: 20 },
    { documents: 1, sizeBytes: 10 },
  ]);
});

test("a document that is known to be gone is not looked for", () => {
  const caches = newCaches();
  write(caches.documents, idsKey, null, 1);
  const { view, read } = viewOf("mutation", { caches });
  expect(view.document(table, internalId)).toBeNull();
  expect(read).toEqual([]);
});

describe("the document of a row", () => {
  test("is taken from the cache, kept where it may be, and made once where not", () => {
    const { view, caches, runs } = viewOf("mutation");
    const passing = view.decode(transformed, documentKey, text, false);
    expect(passing).toMatchObject({ shape: 1, document: { up: true } });
    expect(view.cached(idsKey)).toBeUndefined();
    const kept = view.decode(transformed, documentKey, text, true);
    expect(view.cached(idsKey)).toMatchObject({ shape: 0 });
    const other = viewOf("mutation", { caches }).view;
    const cached = other.decode(table, documentKey, "no text that could be read", true);
    expect(cached.document).toEqual({ _creationTime: 5, _id: "an id", n: 1 });
    expect(view.decode(transformed, documentKey, text, false)).toBe(kept);
    expect(runs()).toBe(2);
  });

  test("is decoded anew where the cache knows of a later one or of none", () => {
    const { view, caches } = viewOf("mutation");
    write(caches.documents, idsKey, null, 1);
    expect(view.decode(table, documentKey, text, true).document["n"]).toBe(1);
    expect(view.decode(transformed, documentKey, text, true).document["up"]).toBe(true);
  });
});

test("a cached value takes twice its text and something more, and keys end with a document's tail", () => {
  expect([cachedSize(0), cachedSize(10)]).toEqual([250, 270]);
  expect(tailOf(`prefix${tail}`)).toBe(tail);
  const { view } = viewOf("mutation", { caches: newCaches(600) });
  void view.document(table, internalId);
  expect(view.cached(idsKey)).toBeDefined();
});
