/**
 * When a batch must end before its page does. `Budget` keeps it within its transaction: Convex tells how much each limit has
 * left, and a batch stops before the tightest is exhausted. It looks only as often as it must, after 1, 2, 4, 8, 16 and then
 * every 32 documents, and stops when the documents until the next look would not fit, given what each has used so far.
 *
 * `Breathing` keeps it below live traffic. A process that runs one mutation at a time is deaf while a batch computes: requests
 * are not even received. So a batch lets go every few milliseconds, and when somebody then waits for a turn it
 * ends where it stands; the batches behind it begin with that size. Elsewhere nobody waits for a batch, and nothing happens.
 */
import type {
  GenericDatabaseReader,
  GenericDataModel,
  MutationMeta,
  TransactionMetrics,
} from "convex/server";
import { nativeStoreOf, type NativeStore } from "../../../../seams/index.js";

const spendable = 0.8;
const longestStride = 32;
/** A batch that has run for so many milliseconds lets others have a moment. */
const breathingIntervalMs = 3;
/** A pause of the process itself may seem to be a long batch: fewer documents than these are not worth an end. */
const fewest = 32;

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

  /** Milliseconds since it began; 0 where the clock stands still during a mutation. */
  get elapsedMs(): number {
    return Date.now() - this.#beganAtMs;
  }

  /** Notes what has been used so far as the cost of reading the page, which no document adds to. */
  async noteReading(): Promise<void> {
    await this.look();
    this.#shareOfReading = this.usedShare;
  }

  /** True when the batch, `done` documents far, has to look whether it should end. */
  isDue(done: number): boolean {
    return done >= this.#nextLook || this.elapsedMs >= this.#timeLimitMs;
  }

  /** True when the batch, `done` documents far, should end here. */
  async isSpent(done: number): Promise<boolean> {
    if (this.elapsedMs >= this.#timeLimitMs) return true;
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

export class Breathing {
  readonly #store: NativeStore | null;
  #latestMs = Date.now();

  /** Begins now. */
  constructor(db: GenericDatabaseReader<GenericDataModel>) {
    this.#store = nativeStoreOf(db);
  }

  /** True when others have not had a moment for the last 3 ms. */
  get isDue(): boolean {
    return this.#store?.breathe !== undefined && Date.now() - this.#latestMs >= breathingIntervalMs;
  }

  /** Gives others a moment. Resolves with true when the batch, `done` documents far, should end because somebody waits. */
  async pause(done: number): Promise<boolean> {
    const isAwaited = (await this.#store?.breathe?.()) === true;
    this.#latestMs = Date.now();
    return isAwaited && done >= fewest;
  }
}
