/** What the writers of a mutation share beside the state of the transaction: new ids, creation times and change hooks. */
import { newInternalId } from "../../values/index.js";
import type { TableEntry } from "../catalog/catalog.js";
import type { TransactionState } from "./transaction.js";
import type { ChangeHook, HookResolver, MutationTransaction } from "./types.js";

export type Random = (byteCount: number) => Uint8Array;

export class MutationState {
  readonly state: TransactionState;
  readonly transaction: MutationTransaction;
  readonly #hooks: HookResolver;
  readonly #random: Random | undefined;
  #creationTime: number;

  /** @param lastCreationTime All new documents get later creation times than this. */
  constructor(
    transaction: MutationTransaction,
    state: TransactionState,
    hooks: HookResolver,
    lastCreationTime: number,
    random: Random | undefined,
  ) {
    this.transaction = transaction;
    this.state = state;
    this.#hooks = hooks;
    this.#random = random;
    const earliest = Math.max(state.version / 1000, state.beganAtMs);
    this.#creationTime = earliest > lastCreationTime ? previousDouble(earliest) : lastCreationTime;
  }

  /** The creation time of the document inserted last; of one before the transaction when it inserted none. */
  get lastCreationTime(): number {
    return this.#creationTime;
  }

  /** The change hooks of a table, of the program that the transaction sees. */
  hooksOf({ componentPath, name }: TableEntry): readonly ChangeHook[] {
    return this.#hooks(componentPath, name, this.transaction.program);
  }

  /** The next double each time, so that creation times are unique and rise within the transaction. */
  nextCreationTime(): number {
    this.#creationTime = nextDouble(this.#creationTime);
    return this.#creationTime;
  }

  newInternalId(): string {
    return newInternalId(this.state.beganAtMs, this.#random);
  }
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** The next representable number above a positive one. */
function nextDouble(value: number): number {
  double[0] = value;
  bits[0] = (bits[0] ?? 0n) + 1n;
  return double[0];
}

function previousDouble(value: number): number {
  if (value <= 0) return 0;
  double[0] = value;
  bits[0] = (bits[0] ?? 0n) - 1n;
  return double[0];
}
