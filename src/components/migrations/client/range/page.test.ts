import {
  defineSchema,
  defineTable,
  type GenericDatabaseReader,
  type GenericDataModel,
  type SchemaDefinition,
} from "convex/server";
import { convexTest } from "convex-test";
import { compareValues, v, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { migrationErrorData } from "../../component/failures.js";
import type { StoredDocument } from "./cursor.js";
import { readPage } from "./page.js";
import { rangeOf, type AnySchema, type RangeBuilder } from "./range.js";

const schema: SchemaDefinition<Record<string, never>, boolean> = defineSchema({
  docs: defineTable({ a: v.any(), b: v.optional(v.any()), n: v.number() }).index("by_a_b", ["a", "b"]),
}) as never;

type Row = { a: Value; b?: Value; n: number };
type Comparison = "eq" | "gt" | "gte" | "lt" | "lte";
type Builder = { [C in Comparison]: (field: string, value: Value) => Builder };
interface Range {
  order: "asc" | "desc";
  equal: boolean;
  low: { comparison: "gt" | "gte"; value: Value } | null;
  high: { comparison: "lt" | "lte"; value: Value } | null;
}

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.constantFrom<Value>(null, true, "x", "y", -0, Number.NaN),
);
const row: fc.Arbitrary<Row> = fc.record({ a: value, b: value, n: fc.nat() }, { requiredKeys: ["a", "n"] });
const range: fc.Arbitrary<Range> = fc.record({
  order: fc.constantFrom("asc", "desc"),
  equal: fc.boolean(),
  low: fc.option(fc.record({ comparison: fc.constantFrom("gt", "gte"), value })),
  high: fc.option(fc.record({ comparison: fc.constantFrom("lt", "lte"), value })),
});

/** The range as an app writes it: `equal` fixes the first field, the bounds are on the next. */
function customRange({ order, equal, low, high }: Range): RangeBuilder {
  const field = equal ? "b" : "a";
  return (q: { withIndex(name: string, build: (q: Builder) => Builder): { order(o: string): unknown } }) =>
    q
      .withIndex("by_a_b", (start) => {
        let bounds = equal ? start.eq("a", 1) : start;
        if (low !== null) bounds = bounds[low.comparison](field, low.value);
        if (high !== null) bounds = bounds[high.comparison](field, high.value);
        return bounds;
      })
      .order(order);
}

/** The same range over an array. */
function model(rows: readonly StoredDocument[], { order, equal, low, high }: Range): StoredDocument[] {
  const field = equal ? "b" : "a";
  const within = rows
    .filter((document) => !equal || compareValues(document["a"], 1) === 0)
    .filter((document) => {
      const aboveLow = low === null ? 1 : compareValues(document[field], low.value);
      const belowHigh = high === null ? -1 : compareValues(document[field], high.value);
      return (
        (low?.comparison === "gt" ? aboveLow > 0 : aboveLow >= 0) &&
        (high?.comparison === "lt" ? belowHigh < 0 : belowHigh <= 0)
      );
    })
    .toSorted(
      (x, y) =>
        compareValues(x["a"], y["a"]) ||
        compareValues(x["b"], y["b"]) ||
        compareValues(x["_creationTime"], y["_creationTime"]),
    );
  return order === "asc" ? within : within.toReversed();
}

async function withRows(
  rows: readonly Row[],
  use: (db: GenericDatabaseReader<GenericDataModel>) => Promise<void>,
): Promise<void> {
  const t = convexTest(schema, { "./_generated/api.js": () => Promise.resolve({}) });
  await t.run(async (ctx) => {
    const db = ctx.db as unknown as GenericDatabaseReader<GenericDataModel> & {
      insert(table: string, row: Row): Promise<unknown>;
    };
    for (const one of rows) await db.insert("docs", one);
    await use(db);
  });
}

/** Every document of the range, read in pages of `limit`; `schema` null leaves it to the database's cursors. */
async function readAll(
  db: GenericDatabaseReader<GenericDataModel>,
  build: RangeBuilder,
  limit: number,
  known: AnySchema | undefined,
): Promise<unknown[]> {
  const read: unknown[] = [];
  let cursor: string | null = null;
  for (let isDone = false; !isDone;) {
    const range = rangeOf("docs", build, known);
    const page = await readPage(db, { range, customRange: build, cursor, cursorRange: undefined, limit });
    expect(page.documents.length).toBeLessThanOrEqual(limit);
    read.push(...page.documents.map(({ _id }) => _id));
    ({ continueCursor: cursor, isDone } = page);
  }
  return read;
}

test("pages of any size go through any range once, in its order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 25 }),
      range,
      fc.integer({ min: 1, max: 8 }),
      (rows, one, limit) =>
        withRows(rows, async (db) => {
          const expected = model((await db.query("docs").collect()) as StoredDocument[], one).map(
            ({ _id }) => _id,
          );
          expect(await readAll(db, customRange(one), limit, schema)).toEqual(expected);
        }),
    ),
    { numRuns: 60 },
  );
});

test("any document's cursor leads to what is behind it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), range, (rows, one) =>
      withRows(rows, async (db) => {
        const build = customRange(one);
        const request = {
          range: rangeOf("docs", build, schema),
          customRange: build,
          cursorRange: undefined,
          limit: 100,
        };
        const whole = await readPage(db, { ...request, cursor: null });
        for (const i of whole.documents.keys()) {
          const rest = await readPage(db, { ...request, cursor: whole.cursorBehind(i) });
          expect(rest.documents).toEqual(whole.documents.slice(i + 1));
        }
      }),
    ),
    { numRuns: 30 },
  );
});

test("a range over an index of unknown fields, or with a filter, uses the database's cursors", async () => {
  const rows = Array.from({ length: 9 }, (_, n) => ({ a: n % 3, n }));
  const sorted: Range = { order: "desc", equal: false, low: null, high: null };
  const filtered = ((q: {
    filter(p: (q: { gt(a: unknown, b: number): boolean; field(name: string): unknown }) => boolean): unknown;
  }) => q.filter((f) => f.gt(f.field("n"), 4))) as never;
  for (const build of [customRange(sorted), filtered]) {
    // One function may paginate only once, so each page is read in a transaction of its own.
    const t = convexTest(schema, { "./_generated/api.js": () => Promise.resolve({}) });
    await t.run(async (ctx) => {
      for (const one of rows) await ctx.db.insert("docs" as never, one);
    });
    const read: number[] = [];
    let cursor: string | null = null;
    for (let isDone = false; !isDone;) {
      await t.run(async (ctx) => {
        const range = rangeOf("docs", build, undefined);
        const page = await readPage(ctx.db as never, {
          range,
          customRange: build,
          cursor,
          cursorRange: undefined,
          limit: 2,
        });
        read.push(...page.documents.map((document) => Number(document["n"])));
        expect(page.cursorBehind(0)).toBe(page.documents.length === 1 ? page.continueCursor : null);
        ({ continueCursor: cursor, isDone } = page);
      });
    }
    expect(read).toEqual(build === filtered ? [5, 6, 7, 8] : [8, 5, 2, 7, 4, 1, 6, 3, 0]);
  }
});

test("a cursor of another range is refused with what to do", async () => {
  await withRows([{ a: 1, n: 1 }], async (db) => {
    const open: Range = { order: "asc", equal: false, low: null, high: null };
    const pageOf = (
      build: RangeBuilder | undefined,
      cursor: string,
      cursorRange?: string,
    ): Promise<unknown> =>
      readPage(db, {
        range: rangeOf("docs", build, schema),
        customRange: build,
        cursor,
        cursorRange,
        limit: 5,
      });
    for (const attempt of [
      pageOf(customRange(open), "[1,2]"),
      pageOf(customRange({ ...open, equal: true }), '[2,3,4,"x"]'),
      pageOf(undefined, '[1,"x"]', "docs.by_a_b asc"),
      pageOf(undefined, "[nonsense"),
    ]) {
      const error = await attempt.then(() => null, migrationErrorData);
      expect(error).toMatchObject({ code: "MIGRATION_RANGE_CHANGED", table: "docs" });
      expect(error?.message).toContain('{"reset": true}');
    }
  });
});

test("bounds that move between batches are honoured", async () => {
  const rows = Array.from({ length: 8 }, (_, n) => ({ a: n, n }));
  await withRows(rows, async (db) => {
    const bounded = (low: number, high: number): RangeBuilder =>
      customRange({
        order: "asc",
        equal: false,
        low: { comparison: "gte", value: low },
        high: { comparison: "lt", value: high },
      });
    const numbers = async (build: RangeBuilder, cursor: string | null): Promise<[number[], string]> => {
      const page = await readPage(db, {
        range: rangeOf("docs", build, schema),
        customRange: build,
        cursor,
        cursorRange: undefined,
        limit: 2,
      });
      return [page.documents.map((document) => Number(document["n"])), page.continueCursor];
    };
    const [first, cursor] = await numbers(bounded(1, 8), null);
    expect(first).toEqual([1, 2]);
    expect((await numbers(bounded(1, 4), cursor))[0]).toEqual([3]);
    expect((await numbers(bounded(5, 8), cursor))[0]).toEqual([5, 6]);
    expect((await numbers(bounded(0, 2), cursor))[0]).toEqual([]);
  });
});

test("a range that cannot be resumed is refused", () => {
  const refused: ((q: never) => unknown)[] = [
    (q: { collect(): unknown }) => q.collect(),
    (q: { withSearchIndex(): unknown }) => q.withSearchIndex(),
    (q: { withIndex(name: string): unknown }) => q.withIndex("by_nothing"),
    () => "something else",
  ];
  for (const build of refused) {
    expect(() => rangeOf("docs", build, schema)).toThrow("MIGRATION_RANGE_UNSUPPORTED");
  }
});

test("a page ends early when its documents are large", async () => {
  const rows = Array.from({ length: 12 }, (_, n) => ({ a: "x".repeat(900_000), n }));
  await withRows(rows, async (db) => {
    const request = {
      range: rangeOf("docs", undefined, schema),
      customRange: undefined,
      cursorRange: undefined,
    };
    const page = await readPage(db, { ...request, cursor: null, limit: 100 });
    expect(page.documents).toHaveLength(4);
    expect(page.isDone).toBe(false);
    const rest = await readPage(db, { ...request, cursor: page.continueCursor, limit: 100 });
    expect(rest.documents[0]?.["n"]).toBe(4);
  });
});
