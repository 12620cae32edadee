/**
 * The questions that an aggregate answers, about one namespace or several. The questions of one call share what they read, so
 * none reads a node twice.
 */
import { v, type Infer, type Value } from "convex/values";
import {
  afterwards,
  countParts,
  endOf,
  findItem,
  intersect,
  itemInParts,
  Position,
  scanParts,
  startOf,
  type Found,
} from "../tree/index.js";
import { query, type DatabaseReader } from "./_generated/server.js";
import {
  endCursor,
  itemCursor,
  namespaceBefore,
  namespaceCursor,
  pageOf,
  pageSizeOf,
  partsFrom,
  placeAfter,
} from "./reading/cursors.js";
import { aggregateError } from "./interface/errors.js";
import { forestOf, namespaceKey, unmanaged, type Forest, type StoredTree } from "./forest/forest.js";
import { answerFrom, askableQuery } from "./reading/readings.js";
import { overlay } from "./queue/overlay.js";
import { pendingDeltas } from "./queue/pending.js";
import {
  answer,
  answerAll,
  clipParts,
  readableForest,
  statsOf,
  answeredItem,
  type Parts,
} from "./reading/questions.js";
import { storedGeneration } from "./forest/records.js";
import { namespaceField, place, value } from "./interface/operation.js";
import {
  item,
  itemPage,
  namespacePage,
  order,
  paging,
  range,
  rangeObject,
  reading,
  statistics,
} from "./interface/question.js";

/** The number of items in each range. */
export const counts = askableQuery({
  args: { queries: v.array(rangeObject), ...reading },
  returns: v.array(v.number()),
  handler: (ctx, { queries, ...reading }) => answerAll(ctx, reading, queries, countParts),
});

/** The count, and the exact sum and the extremes of measures, in each range. */
export const stats = askableQuery({
  args: {
    queries: v.array(rangeObject),
    /** The measures to tell of; "" is the plain `sumValue`. */
    measures: v.array(v.string()),
    ...reading,
  },
  returns: v.array(statistics),
  handler: (ctx, { queries, measures, ...reading }) =>
    answerAll(ctx, reading, queries, (parts) => statsOf(parts, measures)),
});

/** The item at each offset. @throws OFFSET_OUT_OF_RANGE, INVALID_OFFSET */
export const at = askableQuery({
  args: {
    /** A negative offset counts from the end: -1 is the last item. */
    queries: v.array(v.object({ offset: v.number(), ...range })),
    ...reading,
  },
  returns: v.array(item),
  handler: (ctx, { queries, ...reading }) =>
    answerAll(ctx, reading, queries, (parts, query) => answeredItem(itemAt(parts, query.offset), query)),
});

/** The items at percentiles: each the smallest item that at least so many percent of the items are at or below. */
export const percentiles = askableQuery({
  args: {
    /** From 0 to 100. */
    percents: v.array(v.number()),
    ...range,
    ...reading,
  },
  returns: v.array(item),
  handler: (ctx, args) =>
    answer(ctx, args, (parts) => {
      const count = countParts(parts);
      const offsets = args.percents.map((percent) => percentileOffset(count, percent));
      return count === 0 ? [] : offsets.map((offset) => answeredItem(itemAt(parts, offset), args));
    }),
});

/** The number of items before the first edge, from each edge up to the next, and from the last edge on. @throws INVALID_EDGES */
export const histogram = askableQuery({
  args: {
    /** Ascending keys. */
    edges: v.array(value),
    ...range,
    ...reading,
  },
  returns: v.array(v.number()),
  handler: (ctx, args) => {
    const edges = args.edges.map((key) => startOf({ key }));
    if (edges.some((edge, index) => index > 0 && edge <= (edges[index - 1] ?? ""))) {
      throw aggregateError("INVALID_EDGES", "the edges of a histogram must ascend");
    }
    return answer(ctx, args, (parts) =>
      ["", ...edges].map((start, index) => {
        const bucket = { start, end: edges[index] ?? null };
        return countParts(clipParts(parts, (range) => intersect(range, bucket)));
      }),
    );
  },
});

/**
 * As many different items of a range as there are fractions, or all items when there are fewer, in the order of their keys.
 * When the fractions are drawn evenly from 0 to 1, every choice of items is equally likely (Floyd's sampling).
 */
export const sample = askableQuery({
  args: {
    /** One for each item that is wanted, each from 0 up to but not including 1. */
    fractions: v.array(v.number()),
    ...range,
    ...reading,
  },
  returns: v.array(item),
  handler: (ctx, args) =>
    answer(ctx, args, (parts) =>
      chooseOffsets(countParts(parts), args.fractions)
        .toSorted((a, b) => a - b)
        .map((offset) => answeredItem(itemAt(parts, offset), args)),
    ),
});

/** The item with a key and an id, or null. */
export const get = askableQuery({
  args: { ...place, ...reading },
  returns: v.union(item, v.null()),
  handler: (ctx, { key, id, ...args }) =>
    answer(ctx, args, ([part]) => {
      const item = part && findItem(part.tree, new Position(key, id).order);
      return part && item ? answeredItem({ tree: part.tree, item }, {}) : null;
    }),
});

/** The number of items of a range that stand before a key, or after it when the order is "desc". */
export const rank = askableQuery({
  args: { key: value, id: v.optional(v.string()), order, ...range, ...reading },
  returns: v.number(),
  handler: (ctx, args) =>
    answer(ctx, args, (parts) =>
      countParts(
        clipParts(parts, ({ start, end }) =>
          args.order === "asc" ? { start, end: startOf(args) } : { start: endOf(args), end },
        ),
      ),
    ),
});

type PageQuery = Infer<typeof pageQuery>;
const pageQuery = v.object({
  /** How many items to pass over, when there is no cursor. */
  offset: v.optional(v.number()),
  order,
  ...paging,
  ...range,
  ...reading,
});

/** A page of the items in a range. @throws INVALID_PAGE_SIZE, INVALID_OFFSET, INVALID_CURSOR */
export const page = askableQuery({
  args: pageQuery,
  returns: itemPage,
  handler: (ctx, args) => {
    const limit = pageSizeOf(args.limit);
    if (args.cursor === endCursor) return { page: [], cursor: endCursor, isDone: true };
    const found = answer(ctx, args, (parts) =>
      scanParts(restOf(parts, args), args.order, limit + 1).map((one) => answeredItem(one, args)),
    );
    return afterwards(found, (items) => pageOf(items, limit, (item) => itemCursor(item, args)));
  },
});

/** A page of the namespaces that were ever written to, in the order of their values: undefined comes first. */
export const namespaces = query({
  args: {
    ...paging,
    ...reading,
    /** Lists the namespaces of a class without `table`, to be cleared, even where a managed aggregate keeps the component. */
    isLeftover: v.optional(v.boolean()),
  },
  returns: namespacePage,
  handler: (ctx, { cursor, stale, definition, isLeftover, ...args }) => {
    const limit = pageSizeOf(args.limit);
    return answerFrom(ctx, (readings) => {
      const forest =
        isLeftover === true ? forestOf(readings, unmanaged) : readableForest(readings, definition);
      overlay(readings, forest, pendingDeltas(readings, stale === true));
      if (cursor === endCursor) return { page: [], cursor: endCursor, isDone: true };
      const stored = readings.read("namespaces", () =>
        storedNamespaces(ctx.db, forest.generation, cursor, limit),
      );
      const found = withPlanted(forest, stored, cursor);
      return pageOf(found.slice(0, limit + 1).map(namespaceField), limit, namespaceCursor);
    });
  },
});

/** The namespaces behind a cursor that have records, up to one more than the limit. */
async function storedNamespaces(
  db: DatabaseReader,
  generation: number,
  cursor: string | undefined,
  limit: number,
): Promise<(Value | undefined)[]> {
  const records = await db
    .query("trees")
    .withIndex("by_generation", (q) => {
      const all = q.eq("generation", storedGeneration(generation));
      return cursor === undefined ? all : all.gt("namespace", namespaceBefore(cursor));
    })
    .take(limit + 1);
  return records.map(({ namespace }) => namespace);
}

/** The namespaces of a page, together with those that only deltas have written to so far. */
function withPlanted(
  forest: Forest,
  stored: readonly (Value | undefined)[],
  cursor: string | undefined,
): readonly (Value | undefined)[] {
  const after = cursor === undefined ? "" : namespaceKey(namespaceBefore(cursor));
  const planted = forest.planted("all").filter((namespace) => namespaceKey(namespace) > after);
  if (planted.length === 0) return stored;
  const byKey = new Map([...stored, ...planted].map((namespace) => [namespaceKey(namespace), namespace]));
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, namespace]) => namespace);
}

function itemAt(parts: Parts, offset: number): Found<StoredTree> {
  if (!Number.isInteger(offset)) throw aggregateError("INVALID_OFFSET", "offset must be an integer");
  const fromEnd = offset < 0;
  const found = itemInParts(parts, fromEnd ? -1 - offset : offset, fromEnd);
  if ("item" in found) return found;
  const message = `${fromEnd ? "negative offset" : "offset"} exceeded count by ${found.exceededBy}`;
  throw aggregateError("OFFSET_OUT_OF_RANGE", message);
}

/** The rest of the parts for a page that begins at a cursor, or at an offset. */
function restOf(parts: Parts, args: PageQuery): Parts {
  const { cursor, offset = 0, order } = args;
  if (cursor !== undefined) return partsFrom(parts, order, placeAfter(cursor, args));
  if (offset === 0) return parts;
  if (!Number.isInteger(offset) || offset < 0) {
    throw aggregateError("INVALID_OFFSET", "a page's offset must be a whole number, and not negative");
  }
  const found = itemInParts(parts, offset, order === "desc");
  if (!("item" in found)) return [];
  const { key, id } = found.item.position;
  return partsFrom(parts, order, { key, id, namespace: found.tree.namespace, inclusive: true });
}

/** The nearest rank: the first offset such that so many percent of the items are at or before it. @throws INVALID_PERCENTILE */
function percentileOffset(count: number, percent: number): number {
  if (!(percent >= 0 && percent <= 100)) {
    throw aggregateError("INVALID_PERCENTILE", "a percentile must be from 0 to 100");
  }
  return Math.max(0, Math.ceil((percent * count) / 100) - 1);
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
