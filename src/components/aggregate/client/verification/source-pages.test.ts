/** How much of a table a step of a check reads, on a table and with meters that the test decides on. */
import type { GenericId } from "convex/values";
import { afterEach, expect, test, vi } from "vitest";
import type { AdvanceCtx } from "../managed/types.js";
import type { WrittenItem } from "../operations.js";
import { readSourcePage, type SourceCursor, type SourcePage } from "./source-pages.js";

afterEach(() => {
  vi.restoreAllMocks();
});

interface Row {
  readonly _id: GenericId<"t">;
  readonly _creationTime: number;
  readonly text: string;
}

const rowOf = (index: number, creationTime: number, text = ""): Row => ({
  _id: `id ${index}` as GenericId<"t">,
  _creationTime: creationTime,
  text,
});

const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, index) => rowOf(index, index + 1));

/** What is left to read, after so many rows. */
type Meter = (read: number) => { documents: number; bytes: number };

/** A page of the rows; `read` is told how many of them were read before each look at the meter. */
async function pageOf(
  rows: readonly Row[],
  limit: number,
  {
    cursor,
    meter,
    namespaceOf = () => undefined,
  }: { cursor?: SourceCursor; meter?: Meter; namespaceOf?: (row: Row) => string | undefined } = {},
): Promise<{ page: SourcePage; read: number }> {
  let read = 0;
  const db = {
    query: (table: string) => ({
      withIndex: (index: string, range: (q: unknown) => unknown) => {
        expect([table, index]).toEqual(["t", "by_creation_time"]);
        let above = -Infinity;
        const q = {
          gt: (field: string, value: number) => {
            expect(field).toBe("_creationTime");
            above = value;
            return q;
          },
        };
        range(q);
        return (async function* () {
          for (const row of rows) {
            if (row._creationTime <= above) continue;
            read++;
            yield row;
          }
        })();
      },
    }),
  };
  const meta = meter && {
    getTransactionMetrics: async () => {
      const { documents, bytes } = meter(read);
      return { documentsRead: { used: 0, remaining: documents }, bytesRead: { used: 0, remaining: bytes } };
    },
  };
  const source = {
    table: "t",
    itemOf: (document: unknown): WrittenItem => {
      const row = document as Row;
      return { key: row._creationTime, id: row._id, namespace: namespaceOf(row) };
    },
  };
  const ctx = { db, ...(meta && { meta }) } as unknown as AdvanceCtx;
  const page = await readSourcePage(ctx, source, cursor, limit);
  return { page, read };
}

const idsOf = ({ columns }: SourcePage): readonly string[] => columns.ids;

/** A clock that stands still, or goes on by the same time with each look. */
function clock(stepMs: number): void {
  let now = 1_000_000;
  vi.spyOn(Date, "now").mockImplementation(() => (now += stepMs));
}

test("a table that fits the limit is one page, with a cursor behind its last document", async () => {
  const { page } = await pageOf(rowsOf(3), 10);
  expect(idsOf(page)).toEqual(["id 0", "id 1", "id 2"]);
  expect([page.isDone, page.cursor]).toEqual([true, { creationTime: 3, id: "id 2" }]);
  const empty = (await pageOf([], 10)).page;
  expect([empty.isDone, empty.cursor, idsOf(empty)]).toEqual([true, undefined, []]);
});

test("a page ends at the limit, and the next one goes on behind it", async () => {
  const { page } = await pageOf(rowsOf(5), 2);
  expect([idsOf(page), page.isDone]).toEqual([["id 0", "id 1"], false]);
  expect(page.cursor).toEqual({ creationTime: 2, id: "id 1" });
  const next = (await pageOf(rowsOf(5), 3, { cursor: page.cursor as SourceCursor })).page;
  expect([idsOf(next), next.isDone]).toEqual([["id 2", "id 3", "id 4"], true]);
});

test("documents of one creation time come together, however small the limit", async () => {
  const rows = [rowOf(0, 1), rowOf(1, 1), rowOf(2, 1), rowOf(3, 2)];
  const { page } = await pageOf(rows, 1);
  expect([idsOf(page), page.isDone]).toEqual([["id 0", "id 1", "id 2"], false]);
});

test("a page ends after two megabytes", async () => {
  const rows = Array.from({ length: 6 }, (_, index) => rowOf(index, index + 1, "x".repeat(1 << 20)));
  expect(idsOf((await pageOf(rows, 100)).page)).toHaveLength(2);
  const below = Array.from({ length: 6 }, (_, index) => rowOf(index, index + 1, "x".repeat((1 << 20) - 200)));
  expect(idsOf((await pageOf(below, 100)).page)).toHaveLength(3);
});

test("a page ends with its 512th namespace", async () => {
  clock(0);
  const { page } = await pageOf(rowsOf(600), 1000, { namespaceOf: ({ _id }) => _id });
  expect(idsOf(page)).toHaveLength(512);
  expect(page.columns.namespaces).toHaveLength(512);
});

test("a page ends after forty milliseconds, which it looks for after every 32 documents", async () => {
  clock(20);
  // The first look begins the page, the second comes 20 ms later.
  expect(idsOf((await pageOf(rowsOf(600), 1000)).page)).toHaveLength(64);
  clock(39);
  expect(idsOf((await pageOf(rowsOf(600), 1000)).page)).toHaveLength(64);
  clock(40);
  expect(idsOf((await pageOf(rowsOf(600), 1000)).page)).toHaveLength(32);
});

test("where the clock stands still, a page ends after 1,024 documents", async () => {
  clock(0);
  expect(idsOf((await pageOf(rowsOf(2000), 5000)).page)).toHaveLength(1024);
});

test("a page ends when three tenths of what the transaction may read are used, of documents or of bytes", async () => {
  clock(0);
  const both =
    (of: (left: number) => { documents: number; bytes: number }): Meter =>
    (read) =>
      of(1000 - read);
  const documents = await pageOf(rowsOf(900), 5000, {
    meter: both((left) => ({ documents: left, bytes: 1e9 })),
  });
  expect(idsOf(documents.page)).toHaveLength(320);
  const bytes = await pageOf(rowsOf(900), 5000, { meter: both((left) => ({ documents: 1e9, bytes: left })) });
  expect(idsOf(bytes.page)).toHaveLength(320);
  const enough = await pageOf(rowsOf(900), 5000, { meter: () => ({ documents: 700, bytes: 700 }) });
  expect(idsOf(enough.page)).toHaveLength(900);
  // Exactly three tenths are allowed.
  let looks = 0;
  const edge: Meter = () => ({ documents: looks++ === 0 ? 1000 : 700, bytes: 1e9 });
  expect(idsOf((await pageOf(rowsOf(900), 5000, { meter: edge })).page)).toHaveLength(900);
});
