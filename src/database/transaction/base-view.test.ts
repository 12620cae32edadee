/**
 * Tests which parts of the storage a view reads, and what it asks and tells the caches, in each mode, whether the storage answers
 * at once or later.
 */
import { describe, expect, test } from "vitest";
import type { StorageReader } from "../../storage/storage.js";
import type { TableEntry } from "../catalog/catalog.js";
import { documentTail } from "../catalog/key-layout.js";
import { VersionedCache } from "../documents/versioned-cache.js";
import { Shapes } from "../transforms/shapes.js";
import { BaseView, cachedSize, tailOf, type CacheMode, type Caches } from "./base-view.js";

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

/** A view of such a storage, and the keys that it read. */
function viewOf(
  mode: CacheMode,
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
  return { view: new BaseView(storage, caches, mode, shapes), read, caches, runs: () => runs };
}

function newCaches(): Caches {
  return {
    cells: new VersionedCache(Infinity),
    documents: new VersionedCache(Infinity),
    records: new VersionedCache(Infinity),
  };
}

const modes: readonly CacheMode[] = ["latest", "snapshot", "none"];

describe.each([false, true])("a storage that answers later: %s", (isLate) => {
  test.each(modes)("what was read is read again in mode %s only where nothing is cached", async (mode) => {
    const { view, read, caches } = viewOf(mode, { isLate });
    const again = viewOf(mode, { isLate, caches });
    const readAll = async (of: BaseView): Promise<unknown[]> => [
      await of.record("record"),
      await of.cell("cell", codec),
      (await of.document(table, internalId))?.document,
    ];
    const expected = ["a record", { value: 7 }, { _creationTime: 5, _id: "an id", n: 1 }];
    expect(await readAll(view)).toEqual(expected);
    expect(read).toEqual(["record", "cell", idsKey, documentKey]);
    expect(await readAll(again.view)).toEqual(expected);
    expect(again.read).toEqual(mode === "none" ? read : []);
  });

  test.each(modes)("what is not there is told in mode %s, and of cells it is remembered", async (mode) => {
    const { view, caches } = viewOf(mode, { isLate, data: {} });
    expect([
      await view.record("record"),
      await view.cell("cell", codec),
      await view.document(table, internalId),
    ]).toEqual([undefined, null, null]);
    const again = viewOf(mode, { isLate, data: stored, caches });
    expect(await again.view.record("record")).toBe("a record");
    expect(await again.view.cell("cell", codec)).toEqual(mode === "none" ? { value: 7 } : null);
    expect(await again.view.document(table, internalId)).not.toBeNull();
  });

  test("a document whose id is there and which is not itself is STORAGE_CORRUPT", async () => {
    const { view } = viewOf("latest", { isLate, data: { [idsKey]: "5" } });
    const corrupt = { code: "STORAGE_CORRUPT", details: { table: "t", componentPath: "sub" } };
    await expect(async () => await view.document(table, internalId)).rejects.toMatchObject(corrupt);
    await expect(async () => await view.documentTexts(table, [tail])).rejects.toMatchObject(corrupt);
    const whole = viewOf("latest", { isLate }).view;
    expect(await whole.documentTexts(table, [tail, tail])).toEqual([text, text]);
    expect(await whole.documentTexts(table, [])).toEqual([]);
  });

  test("a document comes in its table's shape, and is cached as it is stored", async () => {
    const { view, caches } = viewOf("latest", { isLate });
    expect(await view.document(transformed, internalId)).toMatchObject({
      shape: 1,
      document: { n: 1, up: true },
    });
    expect(view.cached(idsKey)).toMatchObject({ shape: 0, document: { n: 1 } });
    const again = viewOf("latest", { isLate, caches });
    expect((await again.view.document(transformed, internalId))?.document["up"]).toBe(true);
    expect((await again.view.document(table, internalId))?.document["up"]).toBeUndefined();
    expect(again.read).toEqual([]);
  });
});

test("a snapshot does not believe what a later commit wrote, the latest transaction does", () => {
  const caches = newCaches();
  const later = { value: 8 };
  caches.cells.write("cell", later, 1, { version: 9 });
  caches.records.write("record", "later", 1, { version: 9 });
  expect(viewOf("latest", { caches }).view.cell("cell", codec)).toBe(later);
  expect(viewOf("snapshot", { caches, version: 9 }).view.cell("cell", codec)).toBe(later);
  expect(viewOf("snapshot", { caches, version: 8 }).view.cell("cell", codec)).toEqual({ value: 7 });
  expect(viewOf("none", { caches }).view.cell("cell", codec)).toEqual({ value: 7 });
  expect(viewOf("snapshot", { caches, version: 8 }).view.record("record")).toBe("a record");
  expect(viewOf("latest", { caches }).view.record("record")).toBe("later");
});

test("a document that is known to be gone is not looked for", () => {
  const caches = newCaches();
  caches.documents.write(idsKey, null, 0, { version: 1 });
  const { view, read } = viewOf("latest", { caches });
  expect(view.document(table, internalId)).toBeNull();
  expect(read).toEqual([]);
});

describe("the document of a row", () => {
  test("is taken from the cache, kept where it may be, and made once where not", () => {
    const { view, caches, runs } = viewOf("latest");
    const passing = view.decode(transformed, documentKey, text, false);
    expect(passing).toMatchObject({ shape: 1, document: { up: true } });
    expect(view.cached(idsKey)).toBeUndefined();
    const kept = view.decode(transformed, documentKey, text, true);
    expect(view.cached(idsKey)).toMatchObject({ shape: 0 });
    const other = viewOf("latest", { caches }).view;
    const cached = other.decode(table, documentKey, "no text that could be read", true);
    expect(cached.document).toEqual({ _creationTime: 5, _id: "an id", n: 1 });
    expect(view.decode(transformed, documentKey, text, false)).toBe(kept);
    expect(runs()).toBe(2);
  });

  test("is decoded anew without a cache, and in the table's shape as it is", () => {
    const { view, caches } = viewOf("none");
    caches.documents.write(idsKey, null, 0, { version: 1 });
    expect(view.decode(table, documentKey, text, true).document["n"]).toBe(1);
    expect(view.decode(transformed, documentKey, text, true).document["up"]).toBe(true);
    expect(viewOf("latest", { caches }).view.decode(table, documentKey, text, true).document["n"]).toBe(1);
  });
});

test("a cached value takes twice its text and something more, and keys end with a document's tail", () => {
  expect([cachedSize(0), cachedSize(10)]).toEqual([250, 270]);
  expect(tailOf(`prefix${tail}`)).toBe(tail);
  const { caches } = viewOf("latest");
  const small: Caches = { ...caches, documents: new VersionedCache(600), cells: new VersionedCache(500) };
  const { view } = viewOf("latest", { caches: small });
  void view.document(table, internalId);
  expect(view.cached(idsKey)).toBeDefined();
});
