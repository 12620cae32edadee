/** What a transaction hands over beside its writes: all that it read, what it adds, where timestamps go, what it touched. */
import { CommitTsPlaceholder } from "convex/values";
import { expect, test } from "vitest";
import { Notes } from "../../../suites/database/noting-storage.js";
import { indexRange, mutate } from "../../../suites/setup/open-database.js";
import { memory } from "../../storage/memory/index.js";
import type { CommitRequest } from "../../storage/storage.js";
import { catalogKeys, countsKey, idsPrefix, indexPrefix, isEntryKey } from "../catalog/key-layout.js";
import { Database } from "../database.js";
import { decodeId, encodeId, prefixEnd } from "../../values/index.js";
import type { MutationTransaction } from "./types.js";

interface Opened {
  readonly database: Database;
  /** Of documents with n from 0 to 9 in table t, which has an index by n. */
  readonly ids: readonly string[];
  readonly requests: CommitRequest[];
}

async function openTen(): Promise<Opened> {
  const notes = new Notes();
  const { requests } = notes;
  const database = await Database.open(notes.of(await memory()()), { backgroundBatch: 4 });
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
  const ids = await mutate(database, async (tx) => {
    const inserted: string[] = [];
    for (let n = 0; n < 10; n++) inserted.push(await tx.component("").insert("t", { n }));
    return inserted;
  });
  await database.background.whenIdle();
  requests.length = 0;
  return { database, ids, requests };
}

/** What one mutation hands over. */
async function requestOf(
  run: (tx: MutationTransaction, ids: readonly string[]) => Promise<unknown>,
): Promise<CommitRequest & Opened> {
  const opened = await openTen();
  await opened.database.mutate((tx) => run(tx, opened.ids));
  return { ...opened, ...(opened.requests[0] ?? { writes: [] }) };
}

/** The key in the space of ids. Table t is the first of the storage. */
function idsKey(id = ""): string {
  return idsPrefix(1) + (decodeId(id)?.internalId ?? "");
}

const codec = { encode: String, decode: Number };

test("every mutation has read the head, on which hangs what it has to do", async () => {
  const doNothing = await requestOf(async () => {});
  const insert = await requestOf((tx) => tx.component("").insert("t", { n: 1 }));
  for (const { reads } of [doNothing, insert]) expect([...(reads?.keys ?? [])]).toEqual([catalogKeys.head]);
});

test.each([
  ["patches", (tx: MutationTransaction, id: string) => tx.component("").patch(id, { n: 70 })],
  ["replaces", (tx: MutationTransaction, id: string) => tx.component("").replace(id, {})],
  ["deletes", (tx: MutationTransaction, id: string) => tx.component("").delete(id)],
  [
    "would patch",
    (tx: MutationTransaction, id: string) => tx.nested(() => tx.component("").patch(id, { _x: 1 })),
  ],
])("a mutation that %s a document has read it", async (_what, write) => {
  const { reads, ids } = await requestOf((tx, all) => write(tx, all[3] ?? "").catch(() => {}));
  expect(new Set(reads?.keys)).toEqual(new Set([catalogKeys.head, idsKey(ids[3])]));
});

test("a mutation that takes an id has read that nobody has it", async () => {
  const id = encodeId(10_001, "0123456789abcdef");
  const { reads } = await requestOf((tx) => tx.component("").insert("t", { n: 1 }, { id }));
  expect(reads?.keys.has(idsKey(id))).toBe(true);
});

test("the names of cells are a range, as far as they were asked for", async () => {
  const { database, requests } = await openTen();
  const write = async (...names: string[]): Promise<void> => {
    await database.mutate(async (tx) => {
      for (const name of names) tx.component("").cells(codec).set(name, 1);
    });
  };
  await write("a1", "a2", "a3");
  await database.mutate((tx) => tx.component("").cells(codec).names("a", 2));
  await database.mutate((tx) => tx.component("").cells(codec).names("a", 9));
  const [, some, all] = requests.map(({ reads }) => reads?.ranges);
  expect(some?.[0]?.end.endsWith("a2\x00")).toBe(true);
  expect(all?.[0]).toEqual({ start: some?.[0]?.start, end: prefixEnd(some?.[0]?.start ?? "") });
});

test("a page that is not the last has read that there is more", async () => {
  const query = indexRange("t.by_n");
  const { reads } = await requestOf((tx) => tx.component("").page(query, { cursor: null, numItems: 3 }));
  expect([...(reads?.keys ?? [])].filter(isEntryKey)).toHaveLength(1);
});

test("counts are added to and not read, unless somebody asks for one or builds on there being none", async () => {
  const counts = countsKey(1);
  const insert = await requestOf((tx) => tx.component("").insert("t", { n: 1 }));
  expect(insert.adds).toEqual([[counts, [1, expect.any(Number)]]]);
  expect(insert.writes.some(([key]) => key === counts)).toBe(false);
  const patch = await requestOf((tx, [id = ""]) => tx.component("").patch(id, { n: 1 }));
  expect(patch.adds).toEqual([]);
  const asked = await requestOf((tx) => tx.component("").count("t"));
  const indexed = await requestOf((tx) =>
    tx.ensureTable("", "t", [{ indexDescriptor: "by_m", fields: ["m"] }]),
  );
  expect([asked, indexed].map(({ reads }) => reads?.keys.has(counts))).toEqual([true, true]);
});

test("a write touches the id and the entries of its document that stay, and nothing that it writes anyway", async () => {
  const { touched, ids, writes } = await requestOf((tx, all) =>
    tx.component("").patch(all[3] ?? "", { other: 1 }),
  );
  expect(writes).toHaveLength(1);
  expect(touched?.()).toMatchObject({ prefixes: [], isQuiet: false });
  expect(touched?.().keys.map((key) => key.slice(0, 5))).toEqual([idsPrefix(1), indexPrefix(1)]);
  expect(touched?.().keys[0]).toBe(idsKey(ids[3]));
  const moved = await requestOf((tx, all) => tx.component("").patch(all[3] ?? "", { n: 30 }));
  expect(moved.touched?.().keys).toEqual([idsKey(moved.ids[3])]);
});

test("the storage is told where the commit's timestamp goes, in documents and in their index entries", async () => {
  const at = new CommitTsPlaceholder();
  const { writes, stamps = [] } = await requestOf((tx) =>
    tx.component("").insert("t", { n: at, in: [at, at] }),
  );
  expect(stamps.map(({ part }) => part).toSorted()).toEqual(["key", "value", "value", "value"]);
  for (const { write, part, offset } of stamps) {
    const [key, value] = writes[write] ?? [""];
    if (part === "key") expect([isEntryKey(key), offset]).toEqual([true, 6]);
    else expect(value?.slice(offset - 1, offset + 13)).toMatch(/^"[\w+/]{11}="$/);
  }
});

test("what waits for this commit's timestamp is found without a read, since nobody else can have written it", async () => {
  const at = new CommitTsPlaceholder();
  const own = indexRange("t.by_n", ["Eq", "n", at]);
  let found: unknown[] = [];
  const { reads } = await requestOf(async (tx) => {
    const t = tx.component("");
    await t.insert("t", { n: at, m: 1 });
    found = await t.stream(own).take(9);
    await t.insert("t", { n: at, m: 2 });
    found.push(...(await t.stream({ ...own, operators: [{ limit: 9 }] }).take(9)));
  });
  expect(found).toMatchObject([{ m: 1 }, { m: 1 }, { m: 2 }]);
  expect(reads?.ranges).toEqual([]);
});

test("a batch of an index's build has read how far the build has come, and the documents it looked at", async () => {
  const { database, requests } = await openTen();
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_m", fields: ["m"] }]));
  await database.background.whenIdle();
  const batches = requests.filter(({ reads }) => reads?.keys.has(catalogKeys.backfill(2)));
  expect(batches.map(({ reads }) => reads?.ranges.length)).toEqual([1, 1, 1]);
  const [first, second] = batches.map(({ reads }) => reads?.ranges[0]);
  expect(second?.start).toBe(first?.end);
});

test("two databases that make the same change of the catalog write heads that differ", async () => {
  const head = async (): Promise<string | undefined> => {
    const { writes } = await requestOf((tx) => tx.component("").insert("u", {}));
    return writes.find(([key]) => key === catalogKeys.head)?.[1];
  };
  const [one, other] = [await head(), await head()];
  expect(one).toBeDefined();
  expect(one).not.toBe(other);
});
