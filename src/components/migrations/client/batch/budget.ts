/**
 * When a batch must end before its page does. `Budget` keeps it within its transaction: Convex tells how much each limit has
 * left, and a batch stops before the tightest is exhausted. It looks only as often as it must, after 1, 2, 4, 8, 16 and then
 * every 32 documents, and stops when the documents until the next look would not fit, given what each has used so far.
 */
import type { MutationMeta, TransactionMetrics } from "convex/server";

const spendable = 0.8;
const longestStride = 32;

export class Budget {
  readonly #meta: Pick<MutationMeta, "getTransactionMetrics"> | undefined;
  readonly #timeLimitMs: number;
  readonly #beganAtMs = Date.now();
  #before: TransactionMetrics | null = null;
  #stride = 1;
  #nextLook = 1;
  /** The share, 0 to 1, of the tightest limit used at the last look. */
  usedShare = 0;
  /** The share that was used before the first document. */
  #shareOfReading = 0;

  private constructor(meta: Pick<MutationMeta, "getTransactionMetrics"> | undefined, timeLimitMs: number) {
    this.#meta = meta;
    this.#timeLimitMs = timeLimitMs;
  }

  /** Begins now: what the transaction has used before is not counted. */
  static async begin(
    meta: Pick<MutationMeta, "getTransactionMetrics"> | undefined,
    timeLimitMs: number | undefined,
  ): Promise<Budget> {
    const budget = new Budget(meta, timeLimitMs ?? Infinity);
    budget.#before = await budget.#metrics();
    return budget;
  }

  get #isOverTime(): boolean {
    return Date.now() - this.#beganAtMs >= this.#timeLimitMs;
  }

  /** Notes what has been used so far as the cost of reading the page, which no document adds to. */
  async noteReading(): Promise<void> {
    await this.look();
    this.#shareOfReading = this.usedShare;
  }

  /** True when the batch, `done` documents far, has to look whether it should end. */
  isDue(done: number): boolean {
    return done >= this.#nextLook || this.#isOverTime;
  }

  /** True when the batch, `done` documents far, should end here. */
  async isSpent(done: number): Promise<boolean> {
    if (this.#isOverTime) return true;
    this.#stride = Math.min(done, longestStride);
    this.#nextLook = done + this.#stride;
    await this.look();
    const perDocument = (this.usedShare - this.#shareOfReading) / done;
    return this.#shareOfReading + perDocument * this.#nextLook > spendable;
  }

  /** Brings `usedShare` up to date. */
  async look(): Promise<void> {
    const now = await this.#metrics();
    if (now === null || this.#before === null) return;
    const before = Object.entries(this.#before) as [keyof TransactionMetrics, { remaining: number }][];
    const shares = before.map(
      ([metric, { remaining }]) => 1 - (now[metric]?.remaining ?? remaining) / remaining,
    );
    this.usedShare = Math.max(0, ...shares.filter(Number.isFinite));
  }

  async #metrics(): Promise<TransactionMetrics | null> {
    if (this.#meta === undefined) return null;
    try {
      return await this.#meta.getTransactionMetrics();
    } catch {
      return null;
    }
  }
}
