/**
 * What else can be known of a range in O(log n): averages and extremes of the items' numbers, percentiles, histograms,
 * samples. Each is one call.
 */
import type { Value } from "convex/values";
import { AggregateReader } from "./aggregate-reader.js";
import { itemsOf } from "./answers.js";
import { rangeArgs } from "./range-args.js";
import type { Item, Key, OfOption, RangeOptions, ReadCtx, ReadOpts } from "./types.js";

/** One of the items' numbers over a range; of items that lack it nothing counts. */
export interface Statistics {
  /** How many items have the number. */
  count: number;
  /** The exact sum, correctly rounded. */
  sum: number;
  /** The sum by the count; null when the count is 0. */
  average: number | null;
  /** The smallest and the largest, null when the count is 0. NaN counts as the largest of all. */
  min: number | null;
  max: number | null;
}

/** The reads that go beyond those of the published component. They throw what all reads throw (`AggregateReader`). */
export class AggregateStatistics<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined,
  Values extends string,
> extends AggregateReader<K, ID, Namespace, Values> {
  /** Returns count, sum, average and extremes of the items' numbers within the bounds. O(log n). */
  async stats(
    ctx: ReadCtx,
    ...opts: ReadOpts<RangeOptions<K, ID> & OfOption<Values>, Namespace>
  ): Promise<Statistics> {
    const [options] = opts;
    const [stats] = await this.statistics(ctx, [rangeArgs(options)], options);
    const { count, sum, min, max } = stats ?? { count: 0, sum: 0, min: null, max: null };
    return { count, sum, average: count === 0 ? null : sum / count, min, max };
  }

  /** The average of the items' numbers within the bounds, null when there are none. */
  async average(
    ctx: ReadCtx,
    ...opts: ReadOpts<RangeOptions<K, ID> & OfOption<Values>, Namespace>
  ): Promise<number | null> {
    return (await this.stats(ctx, ...opts)).average;
  }

  /** The smallest of the items' numbers within the bounds, null when there are none. Not a key: see `min`. */
  async minValue(
    ctx: ReadCtx,
    ...opts: ReadOpts<RangeOptions<K, ID> & OfOption<Values>, Namespace>
  ): Promise<number | null> {
    return (await this.stats(ctx, ...opts)).min;
  }

  /** The largest of the items' numbers within the bounds, null when there are none. Not a key: see `max`. */
  async maxValue(
    ctx: ReadCtx,
    ...opts: ReadOpts<RangeOptions<K, ID> & OfOption<Values>, Namespace>
  ): Promise<number | null> {
    return (await this.stats(ctx, ...opts)).max;
  }

  /**
   * The item at a percentile of the keys within the bounds: the first one that `percent` percent of the items are at or
   * before (the nearest rank). 50 is the median, 100 the last item. Null when there are none. O(log n).
   * @throws INVALID_PERCENTILE when `percent` is not from 0 to 100.
   */
  async percentile(
    ctx: ReadCtx,
    percent: number,
    ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID> | null> {
    const [item = null] = await this.percentiles(ctx, [percent], ...opts);
    return item;
  }

  /**
   * Returns the items at several percentiles, in the order asked for; none at all when the range has no items. O(p log n) for p
   * percentiles. @throws INVALID_PERCENTILE when one is not from 0 to 100.
   */
  async percentiles(
    ctx: ReadCtx,
    percents: number[],
    ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID>[]> {
    const [options] = opts;
    const args = { percents, ...rangeArgs(options), ...this.readingArgs(options?.stale) };
    return itemsOf(await this.ask(ctx, this.reads.percentiles, args, options));
  }

  /**
   * How the items within the bounds spread over keys: how many stand before the first edge, from each edge up to the next
   * one, and from the last edge on. One more number than there are edges; together they are the count. O(e log n) for e edges.
   * @throws INVALID_EDGES when the edges do not ascend.
   */
  async histogram(
    ctx: ReadCtx,
    edges: K[],
    ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<number[]> {
    const [options] = opts;
    const args = { edges, ...rangeArgs(options), ...this.readingArgs(options?.stale) };
    return this.ask(ctx, this.reads.histogram, args, options);
  }

  /**
   * Different items within the bounds, drawn at random: every choice of that many is equally likely. All of them when they
   * are fewer. In the order of their keys. O(size · log n).
   */
  async sample(
    ctx: ReadCtx,
    size: number,
    ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>
  ): Promise<Item<K, ID>[]> {
    const [options] = opts;
    // Drawn here, because a component's own random numbers may be the same in every call of a query.
    const fractions = Array.from({ length: size }, () => Math.random());
    const args = { fractions, ...rangeArgs(options), ...this.readingArgs(options?.stale) };
    return itemsOf(await this.ask(ctx, this.reads.sample, args, options));
  }

  /** An item within the bounds, each with the same probability; null when there is none. */
  async random(ctx: ReadCtx, ...opts: ReadOpts<RangeOptions<K, ID>, Namespace>): Promise<Item<K, ID> | null> {
    const [item = null] = await this.sample(ctx, 1, ...opts);
    return item;
  }
}
