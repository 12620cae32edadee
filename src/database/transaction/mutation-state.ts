/** What the writers of a mutation share beside the state of its transaction: creation times, change hooks, the source of ids. */
import type { TransactionState } from "./transaction.js";
import type { HookResolver, MutationTransaction } from "./types.js";

export type Random = (byteCount: number) => Uint8Array;

export class MutationState {
  readonly state: TransactionState;
  readonly transaction: MutationTransaction;
  readonly hooks: HookResolver;
  readonly random: Random | undefined;
  /** Milliseconds since 1970. New documents get no earlier creation times, and ids of this day. */
  readonly nowMs: number;
  /** The creation time of the document inserted last; of one before the transaction when it inserted none. */
  lastCreationTime: number;

  /** @param lastCreationTime All new documents get later creation times than this. */
  constructor(
    transaction: MutationTransaction,
    state: TransactionState,
    hooks: HookResolver,
    nowMs: number,
    lastCreationTime: number,
    random: Random | undefined,
  ) {
    this.transaction = transaction;
    this.state = state;
    this.hooks = hooks;
    this.random = random;
    this.nowMs = nowMs;
    this.lastCreationTime = nowMs > lastCreationTime ? previousDouble(nowMs) : lastCreationTime;
  }

  /** The next double each time, so that creation times are unique and rise within the transaction. */
  nextCreationTime(): number {
    double[0] = this.lastCreationTime;
    bits[0] = (bits[0] ?? 0n) + 1n;
    this.lastCreationTime = double[0];
    return this.lastCreationTime;
  }
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

function previousDouble(value: number): number {
  if (value <= 0) return 0;
  double[0] = value;
  bits[0] = (bits[0] ?? 0n) - 1n;
  return double[0];
}
