/** One turn in the queue of transactions, on the connection that writes: it sees what the group has applied. */
import type { Entry, KeyRange, ScanOptions, StorageTransaction, Version, Write } from "../storage.js";
import { TransactionState } from "../transaction-state.js";
import type { GroupWriter } from "./group-writer.js";

export class SqliteTransaction implements StorageTransaction {
  readonly version: Version;
  readonly #writer: GroupWriter;
  readonly #endTurn: () => void;
  readonly #failuresBefore: number;
  readonly #state = new TransactionState();

  /** @param endTurn Called once, when the writes have been handed over or there are none. */
  constructor(writer: GroupWriter, endTurn: () => void) {
    this.#writer = writer;
    this.#endTurn = endTurn;
    this.version = writer.version;
    this.#failuresBefore = writer.failures;
  }

  get(key: string): string | undefined {
    this.#assertReadable();
    return this.#writer.get(key);
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    this.#assertReadable();
    return this.#writer.getMany(keys);
  }

  scan(range: KeyRange, options?: ScanOptions): Entry[] {
    this.#assertReadable();
    return this.#writer.scan(range, options);
  }

  async commit(writes: readonly Write[]): Promise<Version> {
    this.#state.assertActive();
    this.#state.end();
    try {
      this.#writer.assertNoFailureSince(this.#failuresBefore);
      return this.#writer.add(writes);
    } finally {
      this.#endTurn();
    }
  }

  rollback(): void {
    if (this.#state.end()) this.#endTurn();
  }

  #assertReadable(): void {
    this.#state.assertActive();
    this.#writer.assertNoFailureSince(this.#failuresBefore);
  }
}
