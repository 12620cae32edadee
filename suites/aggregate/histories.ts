/**
 * Draws random lives of an aggregate: writes, strict and idempotent, most of which meet an item that is there, and questions
 * after them. A test can put one history to the classes of a package and to the model, and compare their answers.
 */
import { ConvexError, type Value } from "convex/values";
import fc from "fast-check";
import type { Bounds, DirectAggregate } from "trueup/aggregate";
import {
  trueSum,
  type AggregateModel,
  type ModelBounds,
  type ModelItem,
  type ModelWrite,
} from "./aggregate-model.js";
import type { Order } from "./aggregate-model.js";
import type { HostCtx } from "./hosts.js";

export interface DirectType {
  Key: Value;
  Id: string;
  Namespace: Value | undefined;
}

/** What histories ask of a `DirectAggregate`, of this package or another. */
export type AggregateClass = Pick<
  DirectAggregate<DirectType>,
  ModelWrite["type"] | "count" | "sum" | "at" | "indexOf" | "min" | "max" | "paginate"
>;

interface Range {
  readonly namespace: Value | undefined;
  readonly bounds: ModelBounds;
}

/** A step as it is drawn; its numbers pick among the items that are there. */
interface Step {
  readonly type: ModelWrite["type"];
  readonly namespace: Value | undefined;
  readonly item: ModelItem;
  readonly newNamespace: Value | undefined;
  readonly newItem: ModelItem;
  /** Which of the items that are there a write is about, if it is about one of them. */
  readonly pick: number | null;
  readonly question: Question;
}

interface Question {
  readonly range: Range;
  readonly offset: number;
  readonly key: Value;
  readonly id: string | null;
  readonly order: Order;
}

/** What is drawn at random. */
export interface HistoryParts {
  readonly keys: fc.Arbitrary<Value>;
  readonly sums: fc.Arbitrary<number>;
  readonly namespaces: fc.Arbitrary<Value | undefined>;
}

export function history({ keys, sums, namespaces }: HistoryParts, maxLength: number): fc.Arbitrary<Step[]> {
  const ids = fc.constantFrom("a", "b", "c");
  const item = fc.record({ key: keys, id: ids, sumValue: sums });
  const bound = fc.record(
    { key: keys, id: ids, inclusive: fc.boolean() },
    { requiredKeys: ["key", "inclusive"] },
  );
  const bounds: fc.Arbitrary<ModelBounds> = fc.oneof(
    fc.record({ lower: bound, upper: bound }, { requiredKeys: [] }),
    fc.record({ eq: keys }),
    fc.record({ prefix: fc.array(keys, { maxLength: 2 }) }),
  );
  const step = fc.record({
    type: fc.constantFrom(
      ...(["insert", "insert", "insert", "insertIfDoesNotExist", "insertIfDoesNotExist"] as const),
      ...(["delete", "deleteIfExists", "replace", "replaceOrInsert"] as const),
    ),
    namespace: namespaces,
    item,
    newNamespace: namespaces,
    newItem: item,
    pick: fc.option(fc.nat(), { freq: 3 }),
    question: fc.record({
      range: fc.record({ namespace: namespaces, bounds }),
      offset: fc.integer({ min: -8, max: 8 }),
      key: keys,
      id: fc.option(ids),
      order: fc.constantFrom<Order>("asc", "desc"),
    }),
  });
  return fc.array(step, { maxLength, size: "max" });
}

/** The write that a step becomes, given the items that are there. */
export function writeOf(step: Step, model: AggregateModel): ModelWrite {
  const { type, namespace, item, newNamespace, newItem, pick } = step;
  const there = model.everything();
  const named = pick === null || there.length === 0 ? { namespace, item } : there[pick % there.length];
  const about = type === "insert" || named === undefined ? { namespace, item } : named;
  if (type !== "replace" && type !== "replaceOrInsert") return { type, ...about };
  // A replaced item keeps its id. Half of the time it also stays where it is, and only its sum changes.
  const stays = (pick ?? 0) % 2 === 1;
  const key = stays ? about.item.key : newItem.key;
  return {
    type,
    ...about,
    newNamespace: stays ? about.namespace : newNamespace,
    newItem: { key, id: about.item.id, sumValue: newItem.sumValue },
  };
}

/** Makes a write; resolves to null, or to the code of the error that it threw. */
export async function perform(
  aggregate: AggregateClass,
  ctx: HostCtx,
  write: ModelWrite,
): Promise<string | null> {
  const current = { ...write.item, namespace: write.namespace };
  try {
    if (write.type === "replace" || write.type === "replaceOrInsert") {
      await aggregate[write.type](ctx, current, { ...write.newItem, namespace: write.newNamespace });
    } else {
      await aggregate[write.type](ctx, current);
    }
    return null;
  } catch (error) {
    return refusalOf(error);
  }
}

/** The answers to a question, in a form that is the same for every package and the model. */
export interface Answers {
  readonly count: number;
  readonly sum: number;
  readonly at: ModelItem | null;
  readonly indexOf: number;
  readonly min: ModelItem | null;
  readonly max: ModelItem | null;
  /** The items of the range on pages of two. */
  readonly pages: ModelItem[][];
}

const pageSize = 2;

export async function ask(aggregate: AggregateClass, ctx: HostCtx, question: Question): Promise<Answers> {
  const { offset, key, id, order } = question;
  // The type of a prefix follows from that of the keys, which here is every value's.
  const range = {
    namespace: question.range.namespace,
    bounds: question.range.bounds as Bounds<Value, string>,
  };
  return {
    count: await aggregate.count(ctx, range),
    sum: await aggregate.sum(ctx, range),
    at: await aggregate.at(ctx, offset, range).catch(nullWhenOutOfRange),
    indexOf: await aggregate.indexOf(ctx, key, { ...range, ...(id === null ? {} : { id }), order }),
    min: await aggregate.min(ctx, range),
    max: await aggregate.max(ctx, range),
    pages: await allPages(aggregate, ctx, range, order),
  };
}

/** The model's answers. */
export function expectedAnswers(model: AggregateModel, question: Question): Answers {
  const { range, offset, key, id, order } = question;
  const { namespace, bounds } = range;
  const items = model.within(namespace, bounds);
  const ordered = order === "asc" ? items : items.toReversed();
  const pages: ModelItem[][] = [];
  for (let start = 0; start === 0 || start < ordered.length; start += pageSize) {
    pages.push(ordered.slice(start, start + pageSize));
  }
  return {
    count: items.length,
    sum: trueSum(items.map(({ sumValue }) => sumValue)),
    at: items.at(offset) ?? null,
    indexOf: model.rank(namespace, bounds, key, id ?? undefined, order),
    min: items[0] ?? null,
    max: items.at(-1) ?? null,
    pages,
  };
}

async function allPages(
  aggregate: AggregateClass,
  ctx: HostCtx,
  range: { namespace: Value | undefined; bounds: Bounds<Value, string> },
  order: Order,
): Promise<ModelItem[][]> {
  const pages: ModelItem[][] = [];
  let cursor: string | undefined;
  for (let isDone = false; !isDone;) {
    const part = await aggregate.paginate(ctx, {
      ...range,
      order,
      pageSize: pageSize,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(part.page);
    ({ cursor, isDone } = part);
  }
  return pages;
}

function nullWhenOutOfRange(error: unknown): null {
  if (error instanceof ConvexError) return null;
  throw error;
}

function refusalOf(error: unknown): string {
  if (!(error instanceof ConvexError)) throw error;
  const data: unknown = error.data;
  if (typeof data === "object" && data !== null && "code" in data) return String(data.code);
  // The published package gives this one no code.
  return String(data).includes("already exists") ? "DUPLICATE_KEY" : String(data);
}
