/** How questions find their trees, and how answers are put into the form that the component returns. */
import type { Value } from "convex/values";
import {
  combineMeasures,
  measureParts,
  noMeasure,
  rangeOf,
  roundSum,
  settleAll,
  unlessMissing,
  type Found,
  type OrderRange,
  type Part,
} from "../../tree/index.js";
import type { QueryCtx } from "../_generated/server.js";
import { plainMeasure, type Forest, type StoredTree } from "../forest/forest.js";
import { afterwards, copyOf, isAsked, throwNotAtHand, type Soon } from "../native/direct.js";
import { readableForest, readableForestNow } from "../generation/forests.js";
import { overlay } from "../queue/overlay.js";
import { nothingPending, pendingDeltas } from "../queue/pending.js";
import type { AnsweredItem, Range, Reading, Statistics } from "../interface/question.js";

/** The trees that a question is about, in the order of their namespaces, each with the range that counts. */
export type Parts = readonly Part<StoredTree>[];

/** Answers one question; see `answerAll`. */
export function answer<Query extends Range & Reading, Answer>(
  ctx: QueryCtx,
  query: Query,
  ask: (parts: Parts) => Answer,
): Soon<Answer> {
  return afterwards(answerAll(ctx, query, [query], ask), ([result]) => result as Answer);
}

/**
 * Answers questions that are asked together, and share what they read: at once when all that it takes is at hand. A
 * question about a namespace that was never written to has no parts.
 */
export function answerAll<Query extends Range, Answer>(
  ctx: QueryCtx,
  reading: Reading,
  queries: readonly Query[],
  ask: (parts: Parts, query: Query) => Answer,
): Soon<Answer[]> {
  const answers = answerNow(ctx, reading, queries, ask);
  if (answers !== null) return answers;
  return isAsked(ctx) ? throwNotAtHand() : answerLater(ctx, reading, queries, ask);
}

function answerNow<Query extends Range, Answer>(
  ctx: QueryCtx,
  { definition }: Reading,
  queries: readonly Query[],
  ask: (parts: Parts, query: Query) => Answer,
): Answer[] | null {
  if (!nothingPending(ctx.db)) return null;
  const forest = readableForestNow(ctx, definition);
  if (forest === null) return null;
  const parts: Parts[] = [];
  for (const query of queries) {
    const found = partsNow(forest, query);
    if (found === null) return null;
    parts.push(found);
  }
  return unlessMissing(() => queries.map((query, index) => ask(parts[index] ?? [], query)));
}

/** Null when a tree has to be waited for. */
function partsNow(forest: Forest, { namespace, namespaces, bounds }: Range): Parts | null {
  if (namespaces !== undefined) return null;
  const tree = forest.findNow(namespace);
  if (tree === undefined) return null;
  return tree === null ? [] : [{ tree, range: rangeOf(bounds) }];
}

async function answerLater<Query extends Range, Answer>(
  ctx: QueryCtx,
  { definition, stale }: Reading,
  queries: readonly Query[],
  ask: (parts: Parts, query: Query) => Answer,
): Promise<Answer[]> {
  const forest = await readableForest(ctx.db, definition);
  const partsOfAll = () => Promise.all(queries.map((query) => partsOf(forest, query)));
  const [loaded, deltas] = await Promise.all([partsOfAll(), pendingDeltas(ctx.db, stale === true)]);
  let parts = loaded;
  if (deltas.length > 0) {
    await overlay(forest, deltas, namespacesOf(queries));
    parts = await partsOfAll();
  }
  return settleAll(
    forest.nodes,
    queries.map((query, index) => () => ask(parts[index] ?? [], query)),
  );
}

/** The namespaces that questions are about; undefined when they cannot be listed. */
function namespacesOf(queries: readonly Range[]): (Value | undefined)[] | undefined {
  const namespaces: (Value | undefined)[] = [];
  for (const query of queries) {
    const set = query.namespaces ?? [query];
    if (!Array.isArray(set)) return undefined;
    namespaces.push(...set.map(({ namespace }) => namespace));
  }
  return namespaces;
}

async function partsOf(forest: Forest, query: Range): Promise<Parts> {
  const range = rangeOf(query.bounds);
  const trees = await forest.select(
    query.namespaces ?? [query.namespace === undefined ? {} : { namespace: query.namespace }],
  );
  return trees.map((tree) => ({ tree, range }));
}

/** The same parts, each with a part of its range. */
export function clipParts(
  parts: Parts,
  clip: (range: OrderRange, namespace: Value | undefined) => OrderRange,
): Parts {
  return parts.map(({ tree, range }) => ({ tree, range: clip(range, tree.namespace) }));
}

/** What is common to two ranges; it may be empty. */
export function intersect(a: OrderRange, b: OrderRange): OrderRange {
  const end = a.end === null ? b.end : b.end === null || a.end < b.end ? a.end : b.end;
  return { start: a.start > b.start ? a.start : b.start, end };
}

/** An item as it is returned; with its namespace when the question was about several. */
export function answeredItem({ tree, item }: Found<StoredTree>, { namespaces }: Range): AnsweredItem {
  const { measures } = tree.state;
  const { values, position } = item;
  const answered: AnsweredItem = { key: copyOf(position.key), id: position.id, sumValue: 0 };
  if (namespaces !== undefined && tree.namespace !== undefined) answered.namespace = copyOf(tree.namespace);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? null;
    const name = measures[index];
    if (value === null || name === undefined) continue;
    if (name === plainMeasure) answered.sumValue = value;
    else (answered.sumValues ??= {})[name] = value;
  }
  return answered;
}

/** Count, sums and extremes; a measure that is not in a tree adds nothing. */
export function statsOf(parts: Parts, names: readonly string[]): Statistics {
  const summaries = measureParts(parts);
  const measures = names.map((name) => {
    const ofParts = summaries.map((summary, index) => {
      const column = parts[index]?.tree.state.measures.indexOf(name) ?? -1;
      return summary.measures[column] ?? noMeasure;
    });
    const { count, sum, min, max } = ofParts.reduce(combineMeasures, noMeasure);
    return { count, sum: roundSum(sum), min, max };
  });
  return { count: summaries.reduce((count, summary) => count + summary.count, 0), measures };
}
