/** How a database is opened, how transactions run, and what comes of them. */
import type { StorageSnapshot, Version } from "../storage/storage.js";
import type { Clock } from "../work/index.js";
import type { TransactionLimits } from "./transaction/limits.js";
import type { Random } from "./transaction/mutation-state.js";
import type { ReadSet } from "./transaction/read-set.js";

export interface DatabaseOptions {
  /** Milliseconds since 1970; `Date.now` when left out. */
  readonly clock?: () => number;
  /** The source of the random part of ids. */
  readonly random?: Random;
  /** About how much memory decoded documents, and as much again cells, may take between transactions. 64 MiB when left out. */
  readonly cacheBytes?: number;
  /** What leases go by; left out, a clock that never goes back. */
  readonly leaseClock?: Clock;
  /** The most documents or keys that one transaction of background work handles; left out, some hundreds. */
  readonly backgroundBatch?: number;
}

export interface TransactionOptions {
  /** Limits of this transaction in place of Convex's; null lifts them all. */
  readonly limits?: Partial<TransactionLimits> | null;
}

export interface QueryOptions extends TransactionOptions {
  /** The snapshot of the storage to read, which the caller releases. Left out, one of the latest durable commit. */
  readonly snapshot?: StorageSnapshot | undefined;
}

export interface QueryOutcome<T> {
  readonly value: T;
  readonly version: Version;
  readonly readSet: ReadSet;
}

export interface MutationOutcome<T> {
  readonly value: T;
  /** The commit; the version that was read when nothing was written. */
  readonly version: Version;
}
