/**
 * How much one transaction of a background job may do. It may take a stretch of time that is short enough for live writes to get
 * through, and a share of what the transaction may still read and write. On Convex Cloud the clock stands still during a
 * mutation, so units of work stand in for time there.
 */
import type { GenericMutationCtx, TransactionMetrics } from "convex/server";
import type { DataModel } from "../_generated/dataModel.js";

const timeMs = 50;
const spendableShare = 0.5;
/** This much work takes about as long as `timeMs` where nodes are documents. */
const unitsPerStep = 4000;

export class StepBudget {
  readonly #meta: GenericMutationCtx<DataModel>["meta"];
  readonly #before: TransactionMetrics;
  readonly #beganAtMs = Date.now();
  #units = 0;

  private constructor(meta: GenericMutationCtx<DataModel>["meta"], before: TransactionMetrics) {
    this.#meta = meta;
    this.#before = before;
  }

  static async begin(ctx: Pick<GenericMutationCtx<DataModel>, "meta">): Promise<StepBudget> {
    return new StepBudget(ctx.meta, await ctx.meta.getTransactionMetrics());
  }

  /** Notes work that was done; returns true when no more should be begun. */
  async isSpent(units: number): Promise<boolean> {
    this.#units += units;
    const elapsedMs = Date.now() - this.#beganAtMs;
    if (elapsedMs >= timeMs || (elapsedMs === 0 && this.#units >= unitsPerStep)) return true;
    const now = await this.#meta.getTransactionMetrics();
    return (Object.keys(this.#before) as (keyof TransactionMetrics)[]).some(
      (metric) => now[metric].remaining < this.#before[metric].remaining * (1 - spendableShare),
    );
  }
}
