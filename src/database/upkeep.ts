/** What looks after everything that is stored may ask of the database: the work behind transactions, the check, the rehearsal. */
import type { DatabaseCommit } from "./commit.js";
import type { Leases } from "../work/index.js";
import type { TransactionState } from "./transaction/transaction.js";

export interface Upkeep {
  /** The most documents or keys that one batch handles; undefined for the default of each kind of batch. */
  readonly backgroundBatch: number | undefined;
  readonly leases: Leases;
  /** How many transactions of others have begun here, and been committed elsewhere: background work gives way to them. */
  readonly begunTransactions: number;
  /** Whether a transaction waits for its turn. */
  readonly isAwaited: boolean;
  /** Runs below tables and hooks, without limits, as background work does. */
  maintain<T>(run: (state: TransactionState) => Promise<T>): Promise<T>;
  /** Reads below tables, in a snapshot, without limits. */
  inspect<T>(run: (state: TransactionState) => Promise<T>): Promise<T>;
  /** The same as `maintain`, for writes that mend: whatever was known across transactions is read anew. */
  mend<T>(run: (state: TransactionState) => Promise<T>): Promise<T>;
  /** Calls the listener after each commit, in the order of commits; returns how to stop. */
  onCommit(listener: (commit: DatabaseCommit) => void): () => void;
}
