/**
 * The questions that an aggregate answers. Several of them in one call share their reads, and none reads a node twice.
 */
import type { RegisteredQuery } from "convex/server";
import { convexToJson, jsonToConvex, v, type JSONValue, type Value } from "convex/values";
import {
  countRange,
  endOf,
  findItem,
  itemAtOffset,
  Position,
  rangeOf,
  roundSum,
  scanRange,
  settle,
  settleAll,
  startOf,
  summarizeRange,
  type Item,
  type Order,
  type OrderRange,
  type Summary,
} from "../tree/index.js";
import { query, type QueryCtx } from "./_generated/server.js";
import { aggregateError } from "./errors.js";
import { Forest, PLAIN_MEASURE, type StoredTree } from "./forest.js";
import { assertNothingPending } from "./pending.js";
import * as validators from "./validators.js";
import type * as wire from "./wire.js";

/** How many items lie in each range. */
export const counts: RegisteredQuery<"public", wire.CountsArgs, Promise<number[]>> = query({
  args: validators.countsArgs,
  returns: v.array(v.number()),
  handler: (ctx, { queries, stale }): Promise<number[]> =>
    answer(ctx, stale, queries, (tree, { bounds }) =>
      tree === null ? 0 : countRange(tree, rangeOf(bounds)),
    ),
});

/** Count, exact sum and extremes of measures in each range. */
export const stats: RegisteredQuery<"public", wire.StatsArgs, Promise<wire.WireStats[]>> = query({
  args: validators.statsArgs,
  returns: validators.stats,
  handler: (ctx, { queries, measures, stale }): Promise<wire.WireStats[]> =>
    answer(ctx, stale, queries, (tree, { bounds }) =>
      statsOf(tree, tree === null ? null : summarizeRange(tree, rangeOf(bounds)), measures),
    ),
});

/** The item at each offset. Throws OFFSET_OUT_OF_RANGE, INVALID_OFFSET. */
export const at: RegisteredQuery<"public", wire.AtArgs, Promise<wire.WireItem[]>> = query({
  args: validators.atArgs,
  returns: validators.items,
  handler: (ctx, { queries, stale }): Promise<wire.WireItem[]> => answer(ctx, stale, queries, itemAt),
});

/**
 * As many different items of a range as there are fractions, or all of them when they are fewer, in the order of their
 * keys. Fractions drawn evenly from 0 to 1 make every such choice equally likely (Floyd's sampling).
 */
export const sample: RegisteredQuery<"public", wire.SampleArgs, Promise<wire.WireItem[]>> = query({
  args: validators.sampleArgs,
  returns: validators.items,
  handler: async (ctx, { fractions, namespace, bounds, stale }): Promise<wire.WireItem[]> => {
    const forest = await openForest(ctx, stale, [namespace]);
    const tree = forest.find(namespace);
    if (tree === null) return [];
    const count = await settle(forest.nodes, () => countRange(tree, rangeOf(bounds)));
    const offsets = chooseOffsets(count, fractions).toSorted((a, b) => a - b);
    return settleAll(
      forest.nodes,
      offsets.map((offset) => () => itemAt(tree, { bounds, offset })),
    );
  },
});

/** The item with a key and an id, or null. */
export const get: RegisteredQuery<"public", wire.GetArgs, Promise<wire.WireItem | null>> = query({
  args: validators.getArgs,
  returns: validators.itemOrNull,
  handler: async (ctx, { key, id, namespace, stale }): Promise<wire.WireItem | null> => {
    const [found] = await answer(ctx, stale, [{ namespace }], (tree) => {
      const item = tree && findItem(tree, new Position(key, id).order);
      return tree && item && wireItem(tree, item);
    });
    return found ?? null;
  },
});

/** How many items of a range stand before a key, or after it when the order is "desc". */
export const rank: RegisteredQuery<"public", wire.RankArgs, Promise<number>> = query({
  args: validators.rankArgs,
  returns: v.number(),
  handler: async (ctx, { order, namespace, bounds, stale, ...key }): Promise<number> => {
    const { start, end } = rangeOf(bounds);
    const range = order === "asc" ? { start, end: startOf(key) } : { start: endOf(key), end };
    const [count] = await answer(ctx, stale, [{ namespace }], (tree) =>
      tree === null ? 0 : countRange(tree, range),
    );
    return count ?? 0;
  },
});

/** A page of the items in a range. Throws INVALID_PAGE_SIZE, INVALID_CURSOR. */
export const page: RegisteredQuery<"public", wire.PageArgs, Promise<wire.WirePage<wire.WireItem>>> = query({
  args: validators.pageArgs,
  returns: validators.itemPage,
  handler: async (ctx, args): Promise<wire.WirePage<wire.WireItem>> => {
    const { namespace, bounds, order, cursor, stale } = args;
    const limit = pageSizeOf(args.limit);
    if (cursor === END) return { page: [], cursor: END, isDone: true };
    const range = rangeAfter(rangeOf(bounds), order, cursor);
    const [found] = await answer(ctx, stale, [{ namespace }], (tree) =>
      tree === null ? [] : scanRange(tree, range, order, limit + 1).map((item) => wireItem(tree, item)),
    );
    return pageOf(found ?? [], limit, ({ key, id }) => encodeCursor([key, id]));
  },
});

/** A page of the namespaces that were ever written to, in the order of their values; undefined comes first. */
export const namespaces: RegisteredQuery<
  "public",
  wire.NamespacesArgs,
  Promise<wire.WirePage<wire.NamespaceArgs>>
> = query({
  args: validators.namespacesArgs,
  returns: validators.namespacePage,
  handler: async (ctx, { cursor, stale, ...args }): Promise<wire.WirePage<wire.NamespaceArgs>> => {
    const limit = pageSizeOf(args.limit);
    if (stale !== true) await assertNothingPending(ctx.db);
    if (cursor === END) return { page: [], cursor: END, isDone: true };
    const [after] = cursor === undefined ? [] : decodeCursor(cursor);
    const records = await ctx.db
      .query("trees")
      .withIndex("by_namespace", (q) => (cursor === undefined ? q : q.gt("namespace", after)))
      .take(limit + 1);
    const found = records.map(({ namespace }) => (namespace === undefined ? {} : { namespace }));
    return pageOf(found, limit, ({ namespace }) => encodeCursor(namespace === undefined ? [] : [namespace]));
  },
});

/** Answers questions about trees, each of which is null when nothing was ever written to the namespace. */
async function answer<Query extends wire.NamespaceArgs, Answer>(
  ctx: QueryCtx,
  stale: boolean | undefined,
  queries: readonly Query[],
  ask: (tree: StoredTree | null, query: Query) => Answer,
): Promise<Answer[]> {
  const forest = await openForest(
    ctx,
    stale,
    queries.map(({ namespace }) => namespace),
  );
  return settleAll(
    forest.nodes,
    queries.map((query) => () => ask(forest.find(query.namespace), query)),
  );
}

async function openForest(
  ctx: QueryCtx,
  stale: boolean | undefined,
  namespaces: readonly (Value | undefined)[],
): Promise<Forest> {
  const forest = new Forest(ctx.db);
  await Promise.all([stale === true ? null : assertNothingPending(ctx.db), forest.load(namespaces)]);
  return forest;
}

function chooseOffsets(count: number, fractions: readonly number[]): number[] {
  const size = Math.min(count, fractions.length);
  const chosen = new Set<number>();
  for (let last = count - size; last < count; last++) {
    const candidate = Math.floor((fractions[chosen.size] ?? 0) * (last + 1));
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return [...chosen];
}

function itemAt(
  tree: StoredTree | null,
  { bounds, offset }: wire.RangeArgs & { offset: number },
): wire.WireItem {
  if (!Number.isInteger(offset)) throw aggregateError("INVALID_OFFSET", "offset must be an integer");
  if (tree === null) throw aggregateError("OFFSET_OUT_OF_RANGE", "offset exceeded count: the tree is empty");
  const fromEnd = offset < 0;
  const found = itemAtOffset(tree, rangeOf(bounds), fromEnd ? -1 - offset : offset, fromEnd);
  if ("item" in found) return wireItem(tree, found.item);
  const message = `${fromEnd ? "negative offset" : "offset"} exceeded count by ${found.exceededBy}`;
  throw aggregateError("OFFSET_OUT_OF_RANGE", message);
}

function wireItem(
  { state: { measures } }: StoredTree,
  { position: { key, id }, values }: Item,
): wire.WireItem {
  const item: wire.WireItem = { key, id, sumValue: 0 };
  for (const [index, value] of values.entries()) {
    const name = measures[index];
    if (value === null || name === undefined) continue;
    if (name === PLAIN_MEASURE) item.sumValue = value;
    else (item.sumValues ??= {})[name] = value;
  }
  return item;
}

function statsOf(tree: StoredTree | null, summary: Summary | null, names: readonly string[]): wire.WireStats {
  const measures = names.map((name) => {
    const index = tree?.state.measures.indexOf(name) ?? -1;
    const { count, sum, min, max } = summary?.measures[index] ?? { count: 0, sum: 0, min: null, max: null };
    return { count, sum: roundSum(sum), min, max };
  });
  return { count: summary?.count ?? 0, measures };
}

const END = "";

function pageSizeOf(limit: number): number {
  if (!(limit > 0)) throw aggregateError("INVALID_PAGE_SIZE", "limit must be positive");
  return Math.ceil(limit);
}

/** Makes a page of what was found, which is one more than the limit when there is more. */
function pageOf<T>(found: T[], limit: number, cursorAfter: (last: T) => string): wire.WirePage<T> {
  const last = found[limit - 1];
  if (found.length <= limit || last === undefined) return { page: found, cursor: END, isDone: true };
  return { page: found.slice(0, limit), cursor: cursorAfter(last), isDone: false };
}

function rangeAfter(range: OrderRange, order: Order, cursor: string | undefined): OrderRange {
  if (cursor === undefined) return range;
  const [key, id] = decodeCursor(cursor);
  if (key === undefined || typeof id !== "string") throw invalidCursor();
  if (order === "desc") return { start: range.start, end: startOf({ key, id }) };
  return { start: endOf({ key, id }), end: range.end };
}

function encodeCursor(values: Value[]): string {
  return JSON.stringify(convexToJson(values));
}

function decodeCursor(cursor: string): Value[] {
  try {
    const json: JSONValue = JSON.parse(cursor);
    const values = jsonToConvex(json);
    if (Array.isArray(values)) return values;
  } catch {
    // What is no JSON, or none of Convex's, is no cursor either.
  }
  throw invalidCursor();
}

function invalidCursor(): Error {
  return aggregateError("INVALID_CURSOR", "The cursor is not one that this function returned.");
}
