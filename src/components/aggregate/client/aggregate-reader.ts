/**
 * The reads of an aggregate. Each is one call of the component and reads O(log n) of its nodes, whatever the range;
 * the batch forms ask many questions in one call, which then share what they read.
 */
import type { FunctionArgs, FunctionReference } from "convex/server";
import type { Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import { runQuery, type Answer } from "./call.js";
import { cursorArgs, defaultPageSize, eachOf, itemsOf, type Page } from "./answers.js";
import { rangeArgs, type RangeArgs, type RangeOptionArgs } from "./range-args.js";
import type {
  Bounds,
  Item,
  Key,
  RangeOption,
  RangeOptions,
  OfOption,
  ReadCtx,
  ReadOpts,
  ReadOptsBatch,
  StaleOption,
} from "./types.js";

/** The measure that `sumValue` is to the component. */
const plainMeasure = "";

type Order = "asc" | "desc";

type Reads = ComponentApi["reads"];

/** A question that the component answers. */
export type ReadReference = FunctionReference<"query", "internal">;

/** One of the items' numbers over a range: of those that have it. */
interface MeasureStats {
  count: number;
  sum: number;
  min: number | null;
  max: number | null;
}

const noStats: MeasureStats = { count: 0, sum: 0, min: null, max: null };

/** Options of what lists items. */
interface ListOptions<K extends Key, ID extends string> extends RangeOption<K, ID>, StaleOption {
  order?: Order | undefined;
  pageSize?: number | undefined;
}

interface PageOptions<K extends Key, ID extends string> extends ListOptions<K, ID> {
  cursor?: string | undefined;
  /** How many items, in the order asked for, stand before the page. Does not matter where there is a cursor. */
  offset?: number | undefined;
}

/**
 * The reads of an aggregate. Each throws AGGREGATE_BUILDING while a managed aggregate is being built,
 * AGGREGATE_COMPONENT_SHARED where another class keeps the component, PENDING_OPERATIONS while writes are queued, unless it
 * is `stale`, and INVALID_BOUNDS for a bound that is undefined. n is the number of items of the namespaces that are asked
 * about.
 */
export class AggregateReader<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined,
  Values extends string,
> {
  protected readonly component: ComponentApi;
  /** The definition whose items the calls are about; undefined for items that nobody manages. */
  protected definition: string | undefined;

  #reads: Reads | undefined;

  constructor(component: ComponentApi) {
    this.component = component;
  }

  /**
   * References to the questions of the component. They are kept, because the engine knows a reference by its identity, and
   * looked up when somebody asks, because modules are also imported where no component is mounted.
   */
  protected get reads(): Reads {
    if (this.#reads === undefined) {
      const { counts, stats, at, percentiles, histogram, sample, get, rank, page, namespaces } =
        this.component.reads;
      this.#reads = { counts, stats, at, percentiles, histogram, sample, get, rank, page, namespaces };
    }
    return this.#reads;
  }

  /** Returns how many items lie within the bounds. O(log n). */
  async count(ctx: ReadCtx, ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>): Promise<number> {
    const [options] = opts;
    const counts = this.#counts(ctx, [rangeArgs(options)], options);
    const [count = 0] = counts instanceof Promise ? await counts : counts;
    return count;
  }

  /** Answers many counts in one call, in the order of the questions; they share what they read. */
  async countBatch(
    ctx: ReadCtx,
    queries: ReadOptsBatch<RangeOption<K, ID>, Namespace>,
    opts?: StaleOption,
  ): Promise<number[]> {
    return this.#counts(
      ctx,
      queries.map((query) => rangeArgs(query)),
      opts,
    );
  }

  /** Returns the exact sum of the numbers of the items within the bounds, correctly rounded; 0 without any. O(log n). */
  async sum(
    ctx: ReadCtx,
    ...opts: ReadOpts<RangeOptions<K, ID> & OfOption<Values>, Namespace>
  ): Promise<number> {
    const [options] = opts;
    const [stats] = await this.statistics(ctx, [rangeArgs(options)], options);
    return stats?.sum ?? 0;
  }

  /** Answers many sums in one call, in the order of the questions; they share what they read. */
  async sumBatch(
    ctx: ReadCtx,
    queries: ReadOptsBatch<RangeOption<K, ID>, Namespace>,
    opts?: StaleOption & OfOption<Values>,
  ): Promise<number[]> {
    const ranges = queries.map((query) => rangeArgs(query));
    return (await this.statistics(ctx, ranges, opts)).map(({ sum }) => sum);
  }

  /**
   * The item that has `offset` others before it in the order of keys, within the bounds: `at(ctx, 0)` is the smallest.
   * A negative offset counts from the end: `at(ctx, -1)` is the largest. O(log n).
   * @throws OFFSET_OUT_OF_RANGE when there are not as many items.
   * @throws INVALID_OFFSET when the offset is no integer.
   */
  async at(
    ctx: ReadCtx,
    offset: number,
    ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID>> {
    const [options] = opts;
    const [item] = await this.#items(ctx, [{ offset, ...rangeArgs(options) }], options);
    if (item === undefined) throw new Error("the component gave no answer to a question");
    return item;
  }

  /** Returns the items at many offsets in one call, in the order of the questions. @throws OFFSET_OUT_OF_RANGE, INVALID_OFFSET */
  async atBatch(
    ctx: ReadCtx,
    queries: ReadOptsBatch<{ offset: number } & RangeOption<K, ID>, Namespace>,
    opts?: StaleOption,
  ): Promise<Item<K, ID>[]> {
    const questions = queries.map((query) => ({ offset: query.offset, ...rangeArgs(query) }));
    return this.#items(ctx, questions, opts);
  }

  /**
   * The rank of a key within the bounds: the index of the first item that has the key, or would have it.
   * With the order "desc", the index counted from the end of the last such item. With an id, of that item. O(log n).
   */
  async indexOf(
    ctx: ReadCtx,
    key: K,
    ...opts: ReadOpts<{ id?: ID | undefined; order?: Order | undefined } & RangeOptions<K, ID>, Namespace>
  ): Promise<number> {
    const { id, order = "asc", stale, whileBuilding, ...range } = opts[0] ?? {};
    const args = {
      key,
      ...(id === undefined ? {} : { id }),
      order,
      ...rangeArgs(range),
      ...this.readingArgs(stale),
    };
    return this.ask(ctx, this.reads.rank, args, { stale, whileBuilding });
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

  /** Returns the item with the smallest key within the bounds, or null when there is none. O(log n). */
  async min(ctx: ReadCtx, ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>): Promise<Item<K, ID> | null> {
    return this.#first(ctx, "asc", opts[0]);
  }

  /** Returns the item with the largest key within the bounds, or null when there is none. O(log n). */
  async max(ctx: ReadCtx, ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>): Promise<Item<K, ID> | null> {
    return this.#first(ctx, "desc", opts[0]);
  }

  /**
   * Returns a page of the items within the bounds, 100 unless `pageSize` says otherwise. Pass its cursor on to get the next
   * page; a cursor stays valid while items come and go. Or jump to a page: page 14 of 50 begins at the offset 650. O(log n
   * + page size).
   * @throws INVALID_PAGE_SIZE when the size is not above 0.
   * @throws INVALID_OFFSET when the offset is negative or no integer.
   * @throws INVALID_CURSOR when the cursor is none that a page of this query gave.
   */
  async paginate(ctx: ReadCtx, ...opts: ReadOpts<PageOptions<K, ID>, Namespace>): Promise<Page<Item<K, ID>>> {
    const [options] = opts;
    return this.#page(ctx, options, options?.cursor);
  }

  /** Yields the items within the bounds one after the other. Reads a page at a time, each in a call of its own. */
  async *iter(
    ctx: ReadCtx,
    ...opts: ReadOpts<ListOptions<K, ID>, Namespace>
  ): AsyncGenerator<Item<K, ID>, void, undefined> {
    yield* eachOf((cursor) => this.#page(ctx, opts[0], cursor));
  }

  /**
   * Returns a page of the namespaces that were ever written to, in the order of their values; null stands for undefined.
   * O(page size). @throws INVALID_PAGE_SIZE, INVALID_CURSOR
   */
  async paginateNamespaces(
    ctx: ReadCtx,
    cursor?: string,
    pageSize: number = defaultPageSize,
    stale?: boolean,
  ): Promise<Page<Namespace>> {
    const { page, ...rest } = await this.namespaces(ctx, cursor, pageSize, stale);
    return { page: page.map(({ namespace = null }) => namespace as Namespace), ...rest };
  }

  /** Yields the namespaces that were ever written to one after the other, in the order of their values. */
  async *iterNamespaces(
    ctx: ReadCtx,
    pageSize: number = defaultPageSize,
    stale?: boolean,
  ): AsyncGenerator<Namespace, void, undefined> {
    for await (const { namespace } of eachOf((cursor) => this.namespaces(ctx, cursor, pageSize, stale))) {
      yield namespace as Namespace;
    }
  }

  /** Asks the component one question. */
  protected ask<Query extends ReadReference>(
    ctx: ReadCtx,
    query: Query,
    args: FunctionArgs<Query>,
    options: StaleOption | undefined,
  ): Answer<Query> {
    return runQuery(ctx, query, args, options?.stale);
  }

  /** The arguments that every question has. */
  protected readingArgs(stale: boolean | undefined): { stale?: boolean; definition?: string } {
    const { definition } = this;
    return { ...(stale === undefined ? {} : { stale }), ...(definition === undefined ? {} : { definition }) };
  }

  #counts(ctx: ReadCtx, queries: RangeArgs[], options: StaleOption | undefined): Answer<Reads["counts"]> {
    const args = { queries, ...this.readingArgs(options?.stale) };
    return this.ask(ctx, this.reads.counts, args, options);
  }

  /** Count, sum and extremes of the items' numbers in each range. */
  protected async statistics(
    ctx: ReadCtx,
    queries: RangeArgs[],
    options: (StaleOption & OfOption<Values>) | undefined,
  ): Promise<MeasureStats[]> {
    const measures = [options?.of ?? plainMeasure];
    const args = { queries, measures, ...this.readingArgs(options?.stale) };
    const stats = await this.ask(ctx, this.reads.stats, args, options);
    return stats.map(({ measures: [measure] }) => measure ?? noStats);
  }

  async #items(
    ctx: ReadCtx,
    queries: ({ offset: number } & RangeArgs)[],
    options: StaleOption | undefined,
  ): Promise<Item<K, ID>[]> {
    const args = { queries, ...this.readingArgs(options?.stale) };
    return itemsOf(await this.ask(ctx, this.reads.at, args, options));
  }

  async #first(ctx: ReadCtx, order: Order, options: AnyOptions<K, ID>): Promise<Item<K, ID> | null> {
    const { page } = await this.#page(ctx, { ...options, order, pageSize: 1 }, undefined);
    return page[0] ?? null;
  }

  async #page(
    ctx: ReadCtx,
    options: AnyOptions<K, ID>,
    cursor: string | undefined,
  ): Promise<Page<Item<K, ID>>> {
    const { order = "asc", pageSize: limit = defaultPageSize, offset, stale, ...rest } = options ?? {};
    const args = {
      order,
      limit,
      ...cursorArgs(cursor),
      ...(offset === undefined ? {} : { offset }),
      ...rangeArgs(rest),
      ...this.readingArgs(stale),
    };
    const { page, ...place } = await this.ask(ctx, this.reads.page, args, options);
    return { page: itemsOf(page), ...place };
  }

  /**
   * A page of the namespaces that the component knows.
   * @param isLeftover Whether they are asked for to be cleared, even where another class uses the component by now.
   */
  protected async namespaces(
    ctx: ReadCtx,
    cursor: string | undefined,
    limit: number,
    stale: boolean | undefined,
    isLeftover = false,
  ): Promise<Page<{ namespace?: Value }>> {
    const args = {
      limit,
      ...cursorArgs(cursor),
      ...this.readingArgs(stale),
      ...(isLeftover && { isLeftover }),
    };
    return this.ask(ctx, this.reads.namespaces, args, { stale });
  }
}

/** Options of a list, whatever its namespace. */
type AnyOptions<K extends Key, ID extends string> =
  | (PageOptions<K, ID> & Pick<RangeOptionArgs, "namespace" | "namespaces">)
  | undefined;
