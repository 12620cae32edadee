/** Finds the trees that questions are about, and puts answers into the form that the component returns. */
import { CommitTsPlaceholder, type Value } from "convex/values";
import {
  askEach,
  combineMeasures,
  gatherMissing,
  measureParts,
  noMeasure,
  rangeOf,
  roundSum,
  throwMissing,
  type Found,
  type Need,
  type OrderRange,
  type Part,
  type Soon,
} from "../../tree/index.js";
import type { QueryCtx } from "../_generated/server.js";
import { forestOf, plainMeasure, unmanaged, type Forest, type StoredTree } from "../forest/forest.js";
import { assertUnmanaged, liveGenerations } from "../generation/directory.js";
import { buildingError } from "../generation/progress.js";
import { answerFrom, type Readings } from "./readings.js";
import { overlay } from "../queue/overlay.js";
import { pendingDeltas, type PendingRow } from "../queue/pending.js";
import type { Range, Reading, AnsweredItem, Statistics } from "../interface/question.js";

/** The trees that a question is about, in the order of their namespaces, each with the range that the question is about. */
export type Parts = readonly Part<StoredTree>[];

/** Answers one question; see `answerAll`. */
export function answer<Query extends Range & Reading, Answer>(
  ctx: QueryCtx,
  query: Query,
  ask: (parts: Parts) => Answer,
): Soon<Answer> {
  return answerFrom(ctx, (readings) => ask(partsOf(forestFor(readings, query, [query]), query)));
}

/**
 * Answers questions that are asked together, which share what they read. A question about a namespace that was never written
 * to has no parts.
 */
export function answerAll<Query extends Range, Answer>(
  ctx: QueryCtx,
  reading: Reading,
  queries: readonly Query[],
  ask: (parts: Parts, query: Query) => Answer,
): Soon<Answer[]> {
  return answerFrom(ctx, (readings) => {
    const forest = forestFor(readings, reading, queries);
    return askEach(queries, (query) => ask(partsOf(forest, query), query));
  });
}

/**
 * The trees that answer for a definition; without one, those that nobody manages.
 * @throws Missing, AGGREGATE_COMPONENT_SHARED
 * @throws AGGREGATE_BUILDING when no generation of the definition is ready.
 */
export function readableForest(readings: Readings, definition: string | undefined): Forest {
  if (definition === undefined) {
    assertUnmanaged(readings);
    return forestOf(readings, unmanaged);
  }
  const { readable } = liveGenerations(readings, definition);
  if (readable !== null) return forestOf(readings, readable);
  throw readings.read("building error", () => buildingError(readings.db, definition));
}

/** The trees that answer, with the deltas that wait. @throws Missing, PENDING_OPERATIONS, and what `readableForest` throws. */
function forestFor(readings: Readings, { definition, stale }: Reading, queries: readonly Range[]): Forest {
  const forest = readableForest(readings, definition);
  // Deltas and the trees that the questions are about are loaded at the same time.
  const needs: Need[] = [];
  let deltas: readonly PendingRow[] = [];
  gatherMissing(needs, () => (deltas = pendingDeltas(readings, stale === true)));
  if (needs.length > 0) gatherMissing(needs, () => askEach(queries, (query) => partsOf(forest, query)));
  if (needs.length > 0) throwMissing(needs);
  if (deltas.length > 0) overlay(readings, forest, deltas, namespacesOf(queries));
  return forest;
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

/** The parts of one question. @throws Missing */
function partsOf(forest: Forest, { namespace, namespaces, bounds }: Range): Parts {
  const range = rangeOf(bounds);
  if (namespaces !== undefined) return forest.select(namespaces).map((tree) => ({ tree, range }));
  const tree = forest.find(namespace);
  return tree === null ? [] : [{ tree, range }];
}

/** The same parts, each with a part of its range. */
export function clipParts(
  parts: Parts,
  clip: (range: OrderRange, namespace: Value | undefined) => OrderRange,
): Parts {
  return parts.map(({ tree, range }) => ({ tree, range: clip(range, tree.namespace) }));
}

/** An item as the component returns it; with its namespace when the question was about several. */
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

/** The count, and for each named measure its count, sum and extremes; a tree that lacks a measure adds nothing to it. */
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

/** A deep copy, because the asker may change the answer. */
function copyOf(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof CommitTsPlaceholder) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof ArrayBuffer) return value.slice(0);
  const fields: [string, Value][] = [];
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) fields.push([name, copyOf(field)]);
  }
  return Object.fromEntries(fields);
}
