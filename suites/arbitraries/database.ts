/**
 * Arbitrary histories of a database: documents over few and colliding values, writes, sub-transactions that fail
 * or not, queries of every kind, pages of every size.
 */
import type { Value } from "convex/values";
import fc from "fast-check";
import type { Expression, Query, RangeBound } from "../../src/database/index.js";
import { scalar, value } from "./values.js";

/** The tables of all histories, with their indexes. */
export const tableIndexes: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  left: { by_a: ["a"], by_a_b: ["a", "b"], by_deep: ["o.x"], by_b_a: ["b", "a"] },
  right: { by_a: ["a"] },
};

const tableName = fc.constantFrom("left", "right");

/** Few values, so that documents share them. */
const common: fc.Arbitrary<Value> = fc.constantFrom<Value[]>(
  ...[null, 0, -0, 1, 2, 1n, "", "a", "b", true, false, NaN],
  ...[[], ["a"], {}, { x: 1 }],
);
const fieldValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: common },
  { weight: 1, arbitrary: scalar },
  { weight: 1, arbitrary: value },
);
const optional = fc.option(fieldValue, { nil: undefined, freq: 4 });

const fields: fc.Arbitrary<Record<string, Value | undefined>> = fc.record({
  a: optional,
  b: optional,
  c: optional,
  o: fc.oneof(optional, fc.record({ x: fieldValue })),
});

const literal = fc.option(fieldValue, { nil: undefined, freq: 8 });

const comparison: fc.Arbitrary<Expression> = fc
  .tuple(
    fc.constantFrom("$eq", "$neq", "$lt", "$lte", "$gt", "$gte"),
    fc.constantFrom("a", "b", "c", "o.x", "o.x.y", "toString"),
    literal,
  )
  .map(([operator, path, right]) => {
    const pair = [{ $field: path }, { $literal: right }] as const;
    return { [operator]: pair } as unknown as Expression;
  });

const filter: fc.Arbitrary<Expression> = fc.letrec<{ filter: Expression }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: comparison },
    { weight: 1, arbitrary: fc.array(tie("filter"), { maxLength: 3 }).map(($and) => ({ $and })) },
    { weight: 1, arbitrary: fc.array(tie("filter"), { maxLength: 3 }).map(($or) => ({ $or })) },
    { weight: 1, arbitrary: tie("filter").map(($not) => ({ $not })) },
  ),
})).filter;

const operators = fc.array(
  fc.oneof(
    filter.map((expression) => ({ filter: expression })),
    fc.integer({ min: 0, max: 6 }).map((limit) => ({ limit })),
  ),
  { maxLength: 3 },
);

const order = fc.constantFrom("asc" as const, "desc" as const);

/** A range that the index allows: equalities over a prefix, then bounds on one field. */
function rangeOf(indexFields: readonly string[]): fc.Arbitrary<RangeBound[]> {
  const all = [...indexFields, "_creationTime", "_id"];
  return fc
    .record({
      equal: fc.array(literal, { maxLength: all.length }),
      lower: fc.option(fc.tuple(fc.constantFrom("Gt" as const, "Gte" as const), literal)),
      upper: fc.option(fc.tuple(fc.constantFrom("Lt" as const, "Lte" as const), literal)),
      upperFirst: fc.boolean(),
    })
    .map(({ equal, lower, upper, upperFirst }) => {
      const range: RangeBound[] = equal.map((bound, at) => ({
        type: "Eq",
        fieldPath: all[at] ?? "",
        value: bound,
      }));
      const fieldPath = all[equal.length];
      if (fieldPath === undefined) return range;
      const bounds = [lower, upper].filter((bound) => bound !== null);
      if (upperFirst) bounds.reverse();
      return [...range, ...bounds.map(([type, bound]) => ({ type, fieldPath, value: bound }))];
    });
}

const indexRange: fc.Arbitrary<Query["source"]> = tableName.chain((table) =>
  fc
    .constantFrom(...Object.entries(tableIndexes[table] ?? {}), ["by_creation_time", []] as const)
    .chain(([name, indexFields]) =>
      fc.record({
        type: fc.constant("IndexRange" as const),
        indexName: fc.constant(`${table}.${name}`),
        range: rangeOf(indexFields),
        order,
      }),
    ),
);

/** A range of ids, bounded by documents that exist (by number) or by anything else. */
const source: fc.Arbitrary<Query["source"]> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ type: fc.constant("FullTableScan" as const), tableName, order }) },
  { weight: 4, arbitrary: indexRange },
);

const query: fc.Arbitrary<Query> = fc.record({ source, operators });

/** Documents are named by number: modulo how many there are. */
export type HistoryStep =
  | { type: "insert"; table: string; fields: Record<string, Value | undefined> }
  | { type: "patch" | "replace"; table: string; which: number; fields: Record<string, Value | undefined> }
  /** Inserts so many documents that scans need several batches. */
  | { type: "insertMany"; table: string; count: number }
  /** Changes a document away from what it is, back, and perhaps away again. */
  | { type: "backAndForth"; table: string; which: number; a: Value | undefined; staysAway: boolean }
  /** Deletes a document and inserts another one under its id, created earlier, at the same time or later. */
  | {
      type: "revive";
      table: string;
      which: number;
      fields: Record<string, Value | undefined>;
      laterMs: number;
    }
  | { type: "delete" | "get"; table: string; which: number }
  | { type: "query"; query: Query }
  | { type: "ids"; table: string; from: number; to: number; order: "asc" | "desc" }
  | { type: "pages"; query: Query; sizes: readonly number[]; maximumRowsRead: number | undefined }
  | { type: "iterate"; query: Query; between: HistoryStep[] }
  | { type: "nested"; steps: HistoryStep[]; fails: boolean };

const which = fc.nat(50);
const write: fc.Arbitrary<HistoryStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("insert" as const), table: tableName, fields }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom("patch" as const, "replace" as const),
      table: tableName,
      which,
      fields,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("delete" as const), table: tableName, which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("insertMany" as const),
      table: tableName,
      count: fc.integer({ min: 5, max: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("backAndForth" as const),
      table: tableName,
      which,
      a: optional,
      staysAway: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("revive" as const),
      table: tableName,
      which,
      fields,
      laterMs: fc.constantFrom(-1000, 0, 1000),
    }),
  },
);

const read: fc.Arbitrary<HistoryStep> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ type: fc.constant("get" as const), table: tableName, which }) },
  { weight: 4, arbitrary: query.map((one) => ({ type: "query" as const, query: one })) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("ids" as const),
      table: tableName,
      from: which,
      to: which,
      order,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("pages" as const),
      query,
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
      maximumRowsRead: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
  },
);

const historyStep: fc.Arbitrary<HistoryStep> = fc.letrec<{ step: HistoryStep }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 2 },
    { weight: 6, arbitrary: write },
    { weight: 4, arbitrary: read },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("iterate" as const),
        query,
        between: fc.array(write, { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("nested" as const),
        steps: fc.array(tie("step"), { maxLength: 5 }),
        fails: fc.boolean(),
      }),
    },
  ),
})).step;

/** One transaction of a history. */
export interface HistoryTransaction {
  readonly steps: readonly HistoryStep[];
  readonly fails: boolean;
}

/** Transactions one after another. */
export const history: fc.Arbitrary<HistoryTransaction[]> = fc.array(
  fc.record({
    steps: fc.array(historyStep, { maxLength: 12 }),
    fails: fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0),
  }),
  { maxLength: 6 },
);
