/**
 * The reads of an aggregate. Each is one call of the component and reads O(log n) of its nodes, whatever the range;
 * the batch forms ask many questions in one call, which then share what they read.
 */
import type { FunctionReturnType } from "convex/server";
import type { Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import { runQuery } from "./call.js";
import { rangeArgs, staleArgs, type RangeArgs } from "./range-args.js";
import type {
  Bounds,
  Item,
  Key,
  NamespacedOpts,
  NamespacedOptsBatch,
  RangeOption,
  RangeOptions,
  ReadCtx,
  StaleOption,
} from "./types.js";

const DEFAULT_PAGE_SIZE = 100;

/** The measure that `sumValue` is to the component. */
const PLAIN_MEASURE = "";

type Order = "asc" | "desc";

/** Options of what lists items. */
interface ListOptions<K extends Key, ID extends string> extends RangeOption<K, ID>, StaleOption {
  order?: Order | undefined;
  pageSize?: number | undefined;
}

/** A part of a list, and the cursor of the next one. */
interface Page<T> {
  page: T[];
  cursor: string;
  isDone: boolean;
}

export class AggregateReader<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined = undefined,
> {
  protected readonly component: ComponentApi;

  constructor(component: ComponentApi) {
    this.component = component;
  }

  /** How many items lie within the bounds. */
  async count(ctx: ReadCtx, ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>): Promise<number> {
    const [options] = opts;
    const [count = 0] = await this.counts(ctx, [rangeArgs(options)], options?.stale);
    return count;
  }

  /** Many counts in one call, in the order of the questions. */
  async countBatch(
    ctx: ReadCtx,
    queries: NamespacedOptsBatch<RangeOption<K, ID>, Namespace>,
    opts?: StaleOption,
  ): Promise<number[]> {
    return this.counts(
      ctx,
      queries.map((query) => rangeArgs(query)),
      opts?.stale,
    );
  }

  /** The exact sum of the `sumValue`s of the items within the bounds, correctly rounded. */
  async sum(ctx: ReadCtx, ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>): Promise<number> {
    const [options] = opts;
    const [sum = 0] = await this.sums(ctx, [rangeArgs(options)], options?.stale);
    return sum;
  }

  /** Many sums in one call, in the order of the questions. */
  async sumBatch(
    ctx: ReadCtx,
    queries: NamespacedOptsBatch<RangeOption<K, ID>, Namespace>,
    opts?: StaleOption,
  ): Promise<number[]> {
    return this.sums(
      ctx,
      queries.map((query) => rangeArgs(query)),
      opts?.stale,
    );
  }

  /**
   * The item that has `offset` others before it in the order of keys, within the bounds: `at(ctx, 0)` is the smallest.
   * A negative offset counts from the end: `at(ctx, -1)` is the largest.
   * @throws OFFSET_OUT_OF_RANGE, INVALID_OFFSET
   */
  async at(
    ctx: ReadCtx,
    offset: number,
    ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID>> {
    const [options] = opts;
    const [item] = await this.items(ctx, [{ offset, ...rangeArgs(options) }], options?.stale);
    if (item === undefined) throw new Error("the component gave no answer to a question");
    return item;
  }

  /** The items at many offsets, in one call. */
  async atBatch(
    ctx: ReadCtx,
    queries: NamespacedOptsBatch<{ offset: number } & RangeOption<K, ID>, Namespace>,
    opts?: StaleOption,
  ): Promise<Item<K, ID>[]> {
    const questions = queries.map((query) => ({ offset: query.offset, ...rangeArgs(query) }));
    return this.items(ctx, questions, opts?.stale);
  }

  /**
   * The rank of a key within the bounds: the index of the first item that has the key, or would have it.
   * With the order "desc", the index counted from the end of the last such item. With an id, of that item.
   */
  async indexOf(
    ctx: ReadCtx,
    key: K,
    ...opts: NamespacedOpts<
      { id?: ID | undefined; order?: Order | undefined } & RangeOptions<K, ID>,
      Namespace
    >
  ): Promise<number> {
    const { id, order = "asc", stale, ...range } = opts[0] ?? {};
    const args = {
      key,
      ...(id === undefined ? {} : { id }),
      order,
      ...rangeArgs(range),
      ...staleArgs(stale),
    };
    return runQuery(ctx, this.component.reads.rank, args, stale);
  }

  /** @deprecated Use `indexOf`. */
  async offsetOf(
    ctx: ReadCtx,
    key: K,
    namespace: Namespace,
    id?: ID,
    bounds?: Bounds<K, ID>,
    stale?: boolean,
  ): Promise<number> {
    return this.indexOf(ctx, key, { id, bounds, order: "asc", namespace, stale });
  }

  /** @deprecated Use `indexOf` with the order "desc". */
  async offsetUntil(
    ctx: ReadCtx,
    key: K,
    namespace: Namespace,
    id?: ID,
    bounds?: Bounds<K, ID>,
    stale?: boolean,
  ): Promise<number> {
    return this.indexOf(ctx, key, { id, bounds, order: "desc", namespace, stale });
  }

  /** The item with the smallest key within the bounds, or null. */
  async min(
    ctx: ReadCtx,
    ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID> | null> {
    return this.first(ctx, "asc", opts[0]);
  }

  /** The item with the largest key within the bounds, or null. */
  async max(
    ctx: ReadCtx,
    ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID> | null> {
    return this.first(ctx, "desc", opts[0]);
  }

  /** An item within the bounds, each with the same probability; null when there is none. */
  async random(
    ctx: ReadCtx,
    ...opts: NamespacedOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID> | null> {
    const [options] = opts;
    const args = { fractions: [Math.random()], ...rangeArgs(options), ...staleArgs(options?.stale) };
    const [item] = itemsOf<K, ID>(await runQuery(ctx, this.component.reads.sample, args, options?.stale));
    return item ?? null;
  }

  /**
   * A page of the items within the bounds. Pass its cursor on to get the next page; a cursor stays valid while items
   * come and go.
   * @throws INVALID_PAGE_SIZE, INVALID_CURSOR
   */
  async paginate(
    ctx: ReadCtx,
    ...opts: NamespacedOpts<{ cursor?: string | undefined } & ListOptions<K, ID>, Namespace>
  ): Promise<Page<Item<K, ID>>> {
    const [options] = opts;
    return this.page(ctx, options, options?.cursor);
  }

  /** The items within the bounds, one after the other. */
  async *iter(
    ctx: ReadCtx,
    ...opts: NamespacedOpts<ListOptions<K, ID>, Namespace>
  ): AsyncGenerator<Item<K, ID>, void, undefined> {
    yield* eachOf((cursor) => this.page(ctx, opts[0], cursor));
  }

  /** A page of the namespaces that were ever written to, in the order of their values; null stands for undefined. */
  async paginateNamespaces(
    ctx: ReadCtx,
    cursor?: string,
    pageSize: number = DEFAULT_PAGE_SIZE,
    stale?: boolean,
  ): Promise<Page<Namespace>> {
    const { page, ...rest } = await this.namespaces(ctx, cursor, pageSize, stale);
    return { page: page.map(({ namespace = null }) => namespace as Namespace), ...rest };
  }

  /** The namespaces that were ever written to, one after the other. */
  async *iterNamespaces(
    ctx: ReadCtx,
    pageSize: number = DEFAULT_PAGE_SIZE,
    stale?: boolean,
  ): AsyncGenerator<Namespace, void, undefined> {
    for await (const { namespace } of eachOf((cursor) => this.namespaces(ctx, cursor, pageSize, stale))) {
      yield namespace as Namespace;
    }
  }

  private counts(ctx: ReadCtx, queries: RangeArgs[], stale: boolean | undefined): Promise<number[]> {
    return runQuery(ctx, this.component.reads.counts, { queries, ...staleArgs(stale) }, stale);
  }

  private async sums(ctx: ReadCtx, queries: RangeArgs[], stale: boolean | undefined): Promise<number[]> {
    const args = { queries, measures: [PLAIN_MEASURE], ...staleArgs(stale) };
    const stats = await runQuery(ctx, this.component.reads.stats, args, stale);
    return stats.map(({ measures: [measure] }) => measure?.sum ?? 0);
  }

  private items(
    ctx: ReadCtx,
    queries: ({ offset: number } & RangeArgs)[],
    stale: boolean | undefined,
  ): Promise<Item<K, ID>[]> {
    return runQuery(ctx, this.component.reads.at, { queries, ...staleArgs(stale) }, stale).then(
      itemsOf<K, ID>,
    );
  }

  private async first(ctx: ReadCtx, order: Order, options: AnyOptions<K, ID>): Promise<Item<K, ID> | null> {
    const { page } = await this.page(ctx, { ...options, order, pageSize: 1 }, undefined);
    return page[0] ?? null;
  }

  private async page(
    ctx: ReadCtx,
    options: AnyOptions<K, ID>,
    cursor: string | undefined,
  ): Promise<Page<Item<K, ID>>> {
    const { order = "asc", pageSize: limit = DEFAULT_PAGE_SIZE, stale, ...range } = options ?? {};
    const args = { order, limit, ...cursorArgs(cursor), ...rangeArgs(range), ...staleArgs(stale) };
    const { page, ...rest } = await runQuery(ctx, this.component.reads.page, args, stale);
    return { page: itemsOf(page), ...rest };
  }

  private namespaces(
    ctx: ReadCtx,
    cursor: string | undefined,
    limit: number,
    stale: boolean | undefined,
  ): Promise<Page<{ namespace?: Value }>> {
    const args = { limit, ...cursorArgs(cursor), ...staleArgs(stale) };
    return runQuery(ctx, this.component.reads.namespaces, args, stale);
  }
}

/** Options of a list, with whatever namespace. */
type AnyOptions<K extends Key, ID extends string> =
  | (ListOptions<K, ID> & { namespace?: Value | undefined })
  | undefined;

function cursorArgs(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

/** The component's items: it returns keys and ids as they were given to it, so they have the types that they had. */
function itemsOf<K extends Key, ID extends string>(
  items: FunctionReturnType<ComponentApi["reads"]["at"]>,
): Item<K, ID>[] {
  return items.map((item) => ({ ...item, key: item.key as K, id: item.id as ID }));
}

/** Everything on all pages. */
async function* eachOf<T>(
  pageAt: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  for (let isDone = false; !isDone;) {
    const part = await pageAt(cursor);
    yield* part.page;
    ({ cursor, isDone } = part);
  }
}
