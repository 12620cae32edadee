import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase } from "../../../suites/setup/open-database.js";
import { encodeId } from "../../values/index.js";
import type { DatabaseCommit } from "../commit.js";
import type { Database } from "../database.js";
import type { MutationTransaction, QueryTransaction } from "./types.js";

interface Opened {
  readonly database: Database;
  /** Ids of documents with n from 0 to 9 in table t, which has an index by n. */
  readonly ids: readonly string[];
}

async function openTen(): Promise<Opened> {
  const database = await openDatabase();
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
  const ids = await mutate(database, async (tx) => {
    const inserted: string[] = [];
    for (let n = 0; n < 10; n++) inserted.push(await tx.component("").insert("t", { n }));
    return inserted;
  });
  return { database, ids };
}

/** Whether a write touches what was read. */
async function touches(
  read: (tx: QueryTransaction, ids: readonly string[]) => Promise<unknown>,
  write: (tx: MutationTransaction, ids: readonly string[]) => Promise<unknown>,
): Promise<boolean> {
  const { database, ids } = await openTen();
  const { readSet } = await database.query((tx) => read(tx, ids));
  const commits: DatabaseCommit[] = [];
  const stop = database.onCommit((commit) => commits.push(commit));
  await database.mutate((tx) => write(tx, ids));
  stop();
  expect(commits).toHaveLength(1);
  return commits.some((commit) => readSet.intersects(commit));
}

const get =
  (at: number) =>
  (tx: QueryTransaction, ids: readonly string[]): Promise<unknown> =>
    tx.component("").get(ids[at] ?? "");
const patch =
  (at: number, fields: Record<string, number>) =>
  (tx: MutationTransaction, ids: readonly string[]): Promise<unknown> =>
    tx.component("").patch(ids[at] ?? "", fields);
const remove =
  (at: number) =>
  (tx: MutationTransaction, ids: readonly string[]): Promise<unknown> =>
    tx.component("").delete(ids[at] ?? "");
const insert =
  (n: number, table = "t") =>
  (tx: MutationTransaction): Promise<unknown> =>
    tx.component("").insert(table, { n });
/** Documents with n from 3 up to 6 by the index. */
const fromThreeToSix = (tx: QueryTransaction): Promise<unknown> =>
  tx
    .component("")
    .stream(indexRange("t.by_n", ["Gte", "n", 3], ["Lt", "n", 6]))
    .take(99);
const firstFromThree = (tx: QueryTransaction): Promise<unknown> =>
  tx
    .component("")
    .stream({ ...indexRange("t.by_n", ["Gte", "n", 3]), operators: [{ limit: 1 }] })
    .take(1);
const upToSix = indexRange("t.by_n", ["Lte", "n", 6]);
const lastUpToSix = (tx: QueryTransaction): Promise<unknown> =>
  tx
    .component("")
    .stream({ source: { ...upToSix.source, order: "desc" }, operators: [{ limit: 1 }] })
    .take(1);
const pageOfThree = (tx: QueryTransaction): Promise<unknown> =>
  tx.component("").page(indexRange("t.by_n"), { cursor: null, numItems: 3 });

test("a document that was read, by id", async () => {
  expect(await touches(get(3), patch(3, { n: 30 }))).toBe(true);
  expect(await touches(get(3), patch(3, { other: 1 }))).toBe(true);
  expect(await touches(get(3), remove(3))).toBe(true);
  expect(await touches(get(3), patch(4, { n: 30 }))).toBe(false);
  expect(await touches(get(3), insert(3))).toBe(false);
});

test("a range of an index: what comes in, goes out, or changes in it", async () => {
  expect(await touches(fromThreeToSix, insert(4))).toBe(true);
  expect(await touches(fromThreeToSix, patch(0, { n: 5 }))).toBe(true);
  expect(await touches(fromThreeToSix, patch(4, { n: 50 }))).toBe(true);
  expect(await touches(fromThreeToSix, patch(4, { unindexed: 1 }))).toBe(true);
  expect(await touches(fromThreeToSix, remove(5))).toBe(true);
  expect(await touches(fromThreeToSix, insert(6))).toBe(false);
  expect(await touches(fromThreeToSix, patch(2, { unindexed: 1 }))).toBe(false);
  expect(await touches(fromThreeToSix, remove(6))).toBe(false);
});

test("a query that stopped early depends on what it consumed only", async () => {
  expect(await touches(firstFromThree, insert(2.9))).toBe(false);
  expect(await touches(firstFromThree, patch(3, { unindexed: 1 }))).toBe(true);
  expect(await touches(firstFromThree, insert(3.1))).toBe(false);
  expect(await touches(lastUpToSix, insert(5.9))).toBe(false);
  expect(await touches(lastUpToSix, patch(0, { unindexed: 1 }))).toBe(false);
  expect(await touches(lastUpToSix, patch(6, { unindexed: 1 }))).toBe(true);
  expect(await touches(lastUpToSix, insert(6))).toBe(true);
  expect(await touches(lastUpToSix, insert(6.1))).toBe(false);
  expect(await touches(pageOfThree, insert(1.5))).toBe(true);
  expect(await touches(pageOfThree, remove(2))).toBe(true);
  expect(await touches(pageOfThree, insert(2.5))).toBe(false);
});

test("a whole table, its count, and a table that is not there yet", async () => {
  const scan = (tx: QueryTransaction): Promise<unknown> => tx.component("").stream(fullScan("t")).take(99);
  const count = (tx: QueryTransaction): Promise<unknown> => tx.component("").count("t");
  const future = (tx: QueryTransaction): Promise<unknown> => tx.component("").stream(fullScan("u")).take(9);
  expect(await touches(scan, insert(1))).toBe(true);
  expect(await touches(scan, patch(9, { n: 1 }))).toBe(true);
  expect(await touches(scan, insert(1, "u"))).toBe(false);
  expect(await touches(count, insert(1))).toBe(true);
  expect(await touches(count, patch(1, { n: 5 }))).toBe(false);
  expect(await touches(future, insert(1, "u"))).toBe(true);
  // The id is of the table that would be made next.
  const coming = encodeId(10_002, "0123456789abcdef");
  const byId = (tx: QueryTransaction): Promise<unknown> => tx.component("").get(coming);
  const normalized = async (tx: QueryTransaction): Promise<unknown> =>
    tx.component("").normalizeId("u", coming);
  expect(await touches(byId, insert(1, "u"))).toBe(true);
  expect(await touches(byId, insert(1))).toBe(false);
  expect(await touches(normalized, insert(1, "u"))).toBe(true);
});

test("ranges are merged, and tell which keys they cover", async () => {
  const { database } = await openTen();
  const { readSet } = await database.query(async (tx) => {
    await tx
      .component("")
      .stream(indexRange("t.by_n", ["Lt", "n", 5]))
      .take(99);
    await tx
      .component("")
      .stream(indexRange("t.by_n", ["Gte", "n", 5]))
      .take(99);
    await tx
      .component("")
      .stream(indexRange("t.by_n", ["Gt", "n", 2], ["Lt", "n", 4]))
      .take(99);
  });
  expect(readSet.ranges).toHaveLength(1);
});

test("a commit names the tables and documents it wrote", async () => {
  const { database, ids } = await openTen();
  const seen: unknown[] = [];
  database.onCommit((commit) => {
    for (const { table, internalId } of commit.documents()) {
      seen.push([table.name, encodeId(table.number, internalId)]);
    }
    seen.push(commit.tables);
  });
  await database.mutate(async (tx) => {
    await tx.component("").patch(ids[0] ?? "", { n: 70 });
    await tx.component("").delete(ids[1] ?? "");
  });
  expect(seen).toEqual([["t", ids[0]], ["t", ids[1]], [{ componentPath: "", tableName: "t" }]]);
});
