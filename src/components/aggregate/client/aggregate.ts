/**
 * An aggregate: items sorted by key, whose count, sum, ranks and extremes over any range of keys are known in O(log n).
 * `DirectAggregate` takes items as they are, `TableAggregate` makes them of documents; this class has what both share:
 * the reads (`aggregate-reader.ts`, `aggregate-statistics.ts`), the way of their writes, and the upkeep.
 */
import type { FunctionArgs } from "convex/server";
import type { Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import { AggregateStatistics } from "./aggregate-statistics.js";
import { runMutation } from "./call.js";
import { defaultPageSize, eachOf } from "./answers.js";
import type { AggregateOptions, Key, NamespacedOpts, TreeOptions, WriteCtx, WriteOptions } from "./types.js";

/** One write, as the functions of the component take it. */
export type Operation = FunctionArgs<ComponentApi["writes"]["apply"]>["operations"][number];

/** What `DirectAggregate` and `TableAggregate` share: every read, and the upkeep of the trees. */
export class Aggregate<
  K extends Key,
  ID extends string,
  Namespace extends Value | undefined = undefined,
  Values extends string = never,
> extends AggregateStatistics<K, ID, Namespace, Values> {
  protected readonly deltas: boolean | undefined;
  #applyReference: ComponentApi["writes"]["apply"] | null = null;

  constructor(component: ComponentApi, { deltas }: AggregateOptions = {}) {
    super(component);
    this.deltas = deltas;
  }

  /**
   * Sets whether writes are appended beside the trees, where no two of them conflict, for every class that does not say so
   * itself. Reads are exact either way. A strict write is then refused by what was there a moment ago: one that has become
   * wrong since is found when it comes into the tree, and goes to the dead letters. O(1).
   * @throws AGGREGATE_WRITE_IN_QUERY
   */
  async useDeltas(ctx: WriteCtx, enabled: boolean = true): Promise<void> {
    await runMutation(ctx, this.component.deltas.configure, { enabled });
  }

  /**
   * Empties a namespace; the next writes begin anew. Its settings change as far as they are given. The old nodes are deleted in
   * the background. O(1).
   * @throws INVALID_NODE_SIZE when `maxNodeSize` is odd, or not from 4 to 4096.
   * @throws PENDING_OPERATIONS while writes are queued.
   */
  async clear(ctx: WriteCtx, ...opts: NamespacedOpts<TreeOptions, Namespace>): Promise<void> {
    await this.#clearTree(ctx, opts[0]);
  }

  /**
   * Empties every namespace. Those that come later are set up as the options say, too. O(namespaces), a call for each.
   * @throws INVALID_NODE_SIZE, PENDING_OPERATIONS
   */
  async clearAll(ctx: WriteCtx, opts?: TreeOptions): Promise<void> {
    const namespaces = eachOf((cursor) => this.namespaces(ctx, cursor, defaultPageSize, undefined, true));
    for await (const { namespace } of namespaces) {
      if (namespace !== undefined) await this.#clearTree(ctx, { ...opts, namespace });
    }
    // The tree without a namespace keeps the settings of new namespaces, so it is cleared even if there is none yet.
    await this.#clearTree(ctx, opts);
  }

  /**
   * Makes the root of a namespace's tree keep no sums from now on: writes far apart no longer conflict there, and reads of wide
   * ranges visit the root's children. On Convex Cloud trees begin like this, unless `clear` was told otherwise. O(node size).
   */
  async makeRootLazy(ctx: WriteCtx, namespace: Namespace): Promise<void> {
    const { definition } = this;
    await runMutation(ctx, this.component.trees.makeRootLazy, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(definition === undefined ? {} : { definition }),
    });
  }

  /** Does the same for every namespace, in a call for each. */
  async makeAllRootsLazy(ctx: WriteCtx): Promise<void> {
    for await (const namespace of this.iterNamespaces(ctx)) await this.makeRootLazy(ctx, namespace);
  }

  /** Applies operations in order, all or none of them, or queues them. */
  protected async write(
    ctx: WriteCtx,
    operations: Operation[],
    options: WriteOptions | undefined,
  ): Promise<void> {
    if (operations.length === 0) return;
    const { deltas } = this;
    const { queue, writes } = this.component;
    if (options?.async === true && deltas !== true) {
      await runMutation(ctx, queue.enqueue, { operations });
    } else {
      this.#applyReference ??= writes.apply;
      await runMutation(ctx, this.#applyReference, {
        operations,
        ...(deltas === undefined ? {} : { deltas }),
      });
    }
  }

  async #clearTree(
    ctx: WriteCtx,
    { namespace, maxNodeSize, rootLazy }: TreeOptions & { namespace?: Value | undefined } = {},
  ): Promise<void> {
    await runMutation(ctx, this.component.trees.clear, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(maxNodeSize === undefined ? {} : { maxNodeSize }),
      ...(rootLazy === undefined ? {} : { rootLazy }),
    });
  }
}
