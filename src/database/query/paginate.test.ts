import { defineSchema, defineTable } from "convex/server";
import { v, type Value } from "convex/values";
import { expect, test } from "vitest";
import {
  fullScan,
  indexRange,
  mutate,
  openDatabase,
  setSchema,
} from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import type { Page, PageOptions, Query } from "./query.js";

const schema = defineSchema({ t: defineTable(v.any()).index("by_n", ["n"]).index("by_m", ["m"]) });

async function openNumbers(count: number): Promise<Database> {
  const database = await openDatabase();
  await setSchema(database, schema);
  await mutate(database, async (tx) => {
    for (let n = 0; n < count; n++) await tx.component("").insert("t", { n, m: -n });
  });
  return database;
}

async function page(database: Database, query: Query, options: Partial<PageOptions>): Promise<Page> {
  const all = { cursor: null, numItems: 100, ...options };
  return (await database.query((tx) => tx.component("").page(query, all))).value;
}

function numbers({ page: documents }: Page): (Value | undefined)[] {
  return documents.map(({ n }) => n);
}

const byNumber = indexRange("t.by_n");
const isOdd: Query["operators"] = [
  { filter: { $eq: [{ $mod: [{ $field: "n" }, { $literal: 2 }] }, { $literal: 1 }] } },
];

test("the last page says so, also when it is exactly full", async () => {
  const database = await openNumbers(4);
  const first = await page(database, byNumber, { numItems: 2 });
  expect([numbers(first), first.isDone]).toEqual([[0, 1], false]);
  const second = await page(database, byNumber, { numItems: 2, cursor: first.continueCursor });
  expect([numbers(second), second.isDone]).toEqual([[2, 3], true]);
  const third = await page(database, byNumber, { numItems: 2, cursor: second.continueCursor });
  expect([numbers(third), third.isDone]).toEqual([[], true]);
});

test("a cursor keeps its place while documents come and go, even its own", async () => {
  const database = await openNumbers(6);
  const first = await page(database, byNumber, { numItems: 3 });
  await mutate(database, async (tx) => {
    const app = tx.component("");
    for (const document of first.page) await app.delete(document._id);
    await app.insert("t", { n: 1.5 });
    await app.insert("t", { n: 2.5 });
  });
  const rest = await page(database, byNumber, { cursor: first.continueCursor });
  expect(numbers(rest)).toEqual([2.5, 3, 4, 5]);
});

test("an end cursor fixes the page, whatever numItems says", async () => {
  const database = await openNumbers(6);
  const first = await page(database, byNumber, { numItems: 3 });
  await mutate(database, (tx) => tx.component("").insert("t", { n: 0.5 }));
  const endCursor = first.continueCursor;
  const again = await page(database, byNumber, { numItems: 1, maximumRowsRead: 1, endCursor });
  expect([numbers(again), again.isDone]).toEqual([[0, 0.5, 1, 2], false]);
  expect(again.continueCursor).toBe(endCursor);
  const all = await page(database, byNumber, {});
  const toTheEnd = await page(database, byNumber, { numItems: 1, endCursor: all.continueCursor });
  expect([numbers(toTheEnd).length, toTheEnd.isDone]).toEqual([7, true]);
});

test("a page can be split in two at its split cursor", async () => {
  const database = await openNumbers(9);
  const whole = await page(database, byNumber, { numItems: 8 });
  const middle = whole.splitCursor;
  const left = await page(database, byNumber, { endCursor: middle });
  const right = await page(database, byNumber, { cursor: middle, endCursor: whole.continueCursor });
  expect([...numbers(left), ...numbers(right)]).toEqual(numbers(whole));
  expect(left.page.length).toBeGreaterThan(2);
  expect(right.page.length).toBeGreaterThan(2);
  expect(whole.pageStatus).toBeNull();
});

test("maximumRowsRead counts what is filtered out, and cuts the page short", async () => {
  const database = await openNumbers(10);
  const query = { ...byNumber, operators: isOdd };
  const first = await page(database, query, { numItems: 5, maximumRowsRead: 4 });
  expect([numbers(first), first.pageStatus, first.isDone]).toEqual([[1, 3], "SplitRequired", false]);
  const rest = await page(database, query, { cursor: first.continueCursor, maximumRowsRead: 6 });
  expect([numbers(rest), rest.isDone]).toEqual([[5, 7, 9], true]);
});

test("maximumBytesRead reads at least one document", async () => {
  const database = await openNumbers(3);
  const first = await page(database, byNumber, { maximumBytesRead: 1 });
  expect([numbers(first), first.pageStatus]).toEqual([[0], "SplitRequired"]);
});

test("a page that takes most of what it may read recommends to be split", async () => {
  const database = await openNumbers(10);
  const large = await page(database, byNumber, { numItems: 9, maximumRowsRead: 10 });
  expect(large.pageStatus).toBe("SplitRecommended");
  const small = await page(database, byNumber, { numItems: 5, maximumRowsRead: 10 });
  expect(small.pageStatus).toBeNull();
});

test("a cursor serves exactly the query that it came from", async () => {
  const database = await openNumbers(5);
  const { continueCursor } = await page(database, byNumber, { numItems: 2 });
  const other: Query[] = [
    fullScan("t"),
    indexRange("t.by_m"),
    indexRange("t.by_n", ["Gt", "n", 1]),
    { ...byNumber, source: { ...byNumber.source, order: "desc" } },
    { ...byNumber, operators: isOdd },
    { ...byNumber, operators: [{ limit: 3 }] },
  ];
  for (const query of other) {
    const reading = page(database, query, { cursor: continueCursor });
    await expect(reading).rejects.toMatchObject({
      code: "INVALID_CURSOR",
      details: { isConvexSystemError: true, paginationError: "InvalidCursor" },
    });
    await expect(reading).rejects.toThrow("InvalidCursor");
  }
  expect(numbers(await page(database, structuredClone(byNumber), { cursor: continueCursor }))).toEqual([
    2, 3, 4,
  ]);
});

test("a cursor serves the same index after it was built anew", async () => {
  const database = await openNumbers(5);
  const { continueCursor } = await page(database, byNumber, { numItems: 2 });
  await setSchema(database, defineSchema({ t: defineTable(v.any()) }));
  await setSchema(database, schema);
  expect(numbers(await page(database, byNumber, { cursor: continueCursor }))).toEqual([2, 3, 4]);
});

test.each(["", "x", "x.y", "x.end", ".", "end"])("%j is no cursor", async (cursor) => {
  const database = await openNumbers(1);
  await expect(page(database, byNumber, { cursor })).rejects.toMatchObject({ code: "INVALID_CURSOR" });
});

test.each([{ numItems: -1 }, { numItems: NaN }, { maximumRowsRead: 0 }, { maximumBytesRead: -5 }])(
  "options like %j are refused",
  async (options) => {
    const database = await openNumbers(1);
    await expect(page(database, byNumber, options)).rejects.toMatchObject({ code: "INVALID_PAGE_OPTIONS" });
  },
);

test("a page of nothing stays where it is", async () => {
  const database = await openNumbers(3);
  const none = await page(database, byNumber, { numItems: 0 });
  expect([numbers(none), none.isDone]).toEqual([[], false]);
  const all = await page(database, byNumber, { cursor: none.continueCursor });
  expect(numbers(all)).toEqual([0, 1, 2]);
});

test("a table that does not exist has one empty page", async () => {
  const database = await openDatabase();
  const only = await page(database, fullScan("nothing"), {});
  expect(only).toMatchObject({ page: [], isDone: true });
  await mutate(database, (tx) => tx.component("").insert("nothing", { n: 1 }));
  const after = await page(database, fullScan("nothing"), { cursor: only.continueCursor });
  expect(after).toMatchObject({ page: [], isDone: true });
});
