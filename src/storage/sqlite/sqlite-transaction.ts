/** One turn in the queue of transactions, on the connection that writes: it sees what the group has applied. */
import type { CommitRequest, StorageTransaction, Version } from "../storage.js";
import { TransactionState } from "../transaction-state.js";
import { CodedReader } from "./entry-reader.js";
import type { GroupWriter } from "./group-writer.js";

export interface TransactionHooks {
  /** Called once, when the writes have been handed over or there are none. */
  readonly endTurn: () => void;
  /** The coded error for one that the connection threw. */
  readonly translate: (error: unknown) => Error;
}

export class SqliteTransaction extends CodedReader implements StorageTransaction {
  readonly #writer: GroupWriter;
  readonly #endTurn: () => void;
  readonly #failuresBefore: number;
  readonly #state: TransactionState;

  constructor(writer: GroupWriter, { endTurn, translate }: TransactionHooks) {
    const state = new TransactionState();
    const failuresBefore = writer.failures;
    super(
      writer.version,
      () => {
        state.assertActive();
        writer.assertNoFailureSince(failuresBefore);
        return writer.reader;
      },
      translate,
    );
    this.#writer = writer;
    this.#endTurn = endTurn;
    this.#failuresBefore = failuresBefore;
    this.#state = state;
  }

  async commit(request: CommitRequest): Promise<Version> {
    this.#state.assertActive();
    this.#state.end();
    try {
      this.#writer.assertNoFailureSince(this.#failuresBefore);
      return this.#writer.add(request);
    } finally {
      this.#endTurn();
    }
  }

  rollback(): void {
    if (this.#state.end()) this.#endTurn();
  }
}
