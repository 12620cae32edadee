/** Every reader, a snapshot or a transaction, gives the same answers. */
import { expect, test } from "vitest";
import type { Entry, KeyRange, ScanOptions, Storage, StorageReader } from "../../../src/storage/storage.js";
import { abc, allByteKeys, mutate, put } from "../storage-calls.js";
import type { Open } from "./subject.js";

/** Runs a check on a snapshot and inside a transaction: both are readers. */
async function onEveryReader(
  storage: Storage,
  check: (reader: StorageReader) => Promise<void>,
): Promise<void> {
  const snapshot = await storage.snapshot();
  await check(snapshot);
  snapshot.release();
  const transaction = await storage.begin();
  await check(transaction);
  transaction.rollback();
}

export function reading(open: Open): void {
  test("an empty storage has no keys", async () => {
    const storage = await open();
    await onEveryReader(storage, async (reader) => {
      expect(await reader.get("a")).toBeUndefined();
      expect(await reader.getMany(["a", ""])).toEqual([undefined, undefined]);
      expect(await reader.scan({ start: "" })).toEqual([]);
    });
  });

  test("keys are ordered by their bytes, zero bytes and the empty key included", async () => {
    const storage = await open();
    const keys = allByteKeys();
    await put(
      storage,
      keys.toReversed().map((key): Entry => [key, `at ${JSON.stringify(key)}`]),
    );
    await onEveryReader(storage, async (reader) => {
      const entries = await reader.scan({ start: "" });
      expect(entries.map(([key]) => key)).toEqual(keys);
      expect(await reader.getMany(keys)).toEqual(entries.map(([, value]) => value));
      expect((await reader.scan({ start: "" }, { reverse: true })).toReversed()).toEqual(entries);
    });
  });

  test("keys of more than 2,500 bytes are told apart, ordered and bounded by all of their bytes", async () => {
    const storage = await open();
    const long = "k".repeat(2500);
    const tails = ["", "\u0000", "\u0000\u0000", "a", "a".repeat(3000), `a${"b".repeat(3000)}`, "\u00ff"];
    const keys = ["k".repeat(2499), ...tails.map((tail) => long + tail), `${"k".repeat(2499)}l`];
    await put(
      storage,
      keys.toReversed().map((key, index): Entry => [key, String(index)]),
    );
    await mutate(storage, () => [[`${long}\u0000`, undefined]]);
    const left = keys.filter((key) => key !== `${long}\u0000`);
    await onEveryReader(storage, async (reader) => {
      const found = async (range: KeyRange, options?: ScanOptions): Promise<string[]> =>
        (await reader.scan(range, options)).map(([key]) => key);
      expect(await found({ start: "" })).toEqual(left);
      expect(await found({ start: "" }, { reverse: true })).toEqual(left.toReversed());
      expect(await found({ start: `${long}\u0000`, end: `${long}a\u0000` })).toEqual(left.slice(2, 4));
      expect(await found({ start: `${long}a\u0000` }, { limit: 2 })).toEqual(left.slice(4, 6));
      expect(await found({ start: "", end: `${long}b` }, { limit: 2, reverse: true })).toEqual(
        left.slice(4, 6).toReversed(),
      );
      expect(await reader.getMany([...keys, `${long}c`])).toEqual([
        ...keys.map((key, index) => (left.includes(key) ? String(keys.length - 1 - index) : undefined)),
        undefined,
      ]);
    });
  });

  test("values come back exactly, whatever their text and size", async () => {
    const storage = await open();
    const values = ["", "\u0000", "é", "😀\ufffd", '{"a":"\\ud800"}', "x".repeat(1_000_000)];
    const entries = values.map((value, index): Entry => [`k${index}`, value]);
    await put(storage, entries);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.scan({ start: "" })).toEqual(entries);
      expect(await reader.get("k3")).toBe(values[3]);
    });
  });

  test("getMany answers in the order of the keys, as often as each is asked for", async () => {
    const storage = await open();
    await put(storage, abc);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.getMany(["c", "x", "a", "c"])).toEqual(["3", undefined, "1", "3"]);
      expect(await reader.getMany([])).toEqual([]);
      const many = Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? "b" : `no${index}`));
      expect(await reader.getMany(many)).toEqual(many.map((key) => (key === "b" ? "2" : undefined)));
    });
  });

  test("a range includes its start and excludes its end, in both directions", async () => {
    const storage = await open();
    await put(storage, abc);
    const cases: [KeyRange, string][] = [
      [{ start: "a", end: "c" }, "ab"],
      [{ start: "a\u0000", end: "c\u0000" }, "bc"],
      [{ start: "b" }, "bc"],
      [{ start: "", end: "a" }, ""],
      [{ start: "b", end: "b" }, ""],
      [{ start: "c", end: "a" }, ""],
      [{ start: "d" }, ""],
      [{ start: "", end: "\u00ff" }, "abc"],
    ];
    await onEveryReader(storage, async (reader) => {
      for (const [range, expected] of cases) {
        const keys = (entries: Entry[]) => entries.map(([key]) => key).join("");
        expect(keys(await reader.scan(range))).toBe(expected);
        expect(keys((await reader.scan(range, { reverse: true })).toReversed())).toBe(expected);
      }
    });
  });

  test("a limit that is no whole number of at least 1 is a mistake of the caller", async () => {
    const storage = await open();
    await put(storage, abc);
    await onEveryReader(storage, async (reader) => {
      for (const limit of [0, -1, 1.5, NaN, Infinity]) {
        await expect((async () => reader.scan({ start: "" }, { limit }))()).rejects.toThrow(RangeError);
      }
    });
  });

  test("a limit takes the first entries of the direction", async () => {
    const storage = await open();
    await put(storage, abc);
    await onEveryReader(storage, async (reader) => {
      expect(await reader.scan({ start: "" }, { limit: 2 })).toEqual(abc.slice(0, 2));
      expect(await reader.scan({ start: "", end: "c" }, { limit: 1, reverse: true })).toEqual([abc[1]]);
      expect(await reader.scan({ start: "b" }, { limit: 10 })).toEqual(abc.slice(1));
      await expect((async () => reader.scan({ start: "" }, { limit: 0 }))()).rejects.toThrow(RangeError);
    });
  });
}
