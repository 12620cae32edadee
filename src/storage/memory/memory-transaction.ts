/** One turn in the queue of transactions: reads the tree, and hands over all of its writes in `commit`. */
import type { StorageTransaction, Version, Write } from "../storage.js";
import { TransactionState } from "../transaction-state.js";
import { TreeReader } from "./tree-reader.js";
import type { Tree } from "./tree.js";

/** What a transaction needs of its storage. */
interface Turn {
  apply(writes: readonly Write[]): Version;
  end(): void;
}

export class MemoryTransaction extends TreeReader implements StorageTransaction {
  readonly #state: TransactionState;
  readonly #turn: Turn;

  constructor(tree: Tree, version: Version, turn: Turn) {
    const state = new TransactionState();
    super(tree, version, () => state.assertActive());
    this.#state = state;
    this.#turn = turn;
  }

  async commit(writes: readonly Write[]): Promise<Version> {
    this.#state.assertActive();
    this.#state.end();
    const version = this.#turn.apply(writes);
    this.#turn.end();
    return version;
  }

  rollback(): void {
    if (this.#state.end()) this.#turn.end();
  }
}
