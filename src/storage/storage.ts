/**
 * The storage port: an ordered, transactional key-value store, and nothing else.
 *
 * Keys and values are strings. A key holds one char, U+0000 to U+00FF, per key byte, so that `<` in
 * JavaScript, TEXT order in SQLite and byte order elsewhere agree. A storage may be synchronous or
 * asynchronous (`MaybePromise`), may abort a commit with STORAGE_CONFLICT, and may be shared by several
 * processes; nothing above this file may assume otherwise. Every storage passes
 * `suites/storage/storage-contract.ts`.
 */

/** A value now, or a promise of it: synchronous storages pay for no microtask that nobody needs. */
export type MaybePromise<T> = T | Promise<T>;

/** A half-open range of keys, `start <= key < end`; no `end` means to the end of all keys. */
export interface KeyRange {
  readonly start: string;
  readonly end?: string | undefined;
}

export interface ScanOptions {
  /** From the last key of the range to the first. */
  readonly reverse?: boolean;
  /** At most this many entries; at least 1. Left out: all of the range. */
  readonly limit?: number;
}

export type Entry = readonly [key: string, value: string];

/** A put, or a delete where the value is undefined. */
export type Write = readonly [key: string, value: string | undefined];

/**
 * A commit's place in the total order of commits, in microseconds since 1970: at least the wall clock's,
 * always above every earlier version, also across restarts. 0 is the empty storage before any commit.
 */
export type Version = number;

/**
 * Whole numbers that are added, one by one, to those at a key, which stand there in decimals with commas between them: [1, 40]
 * makes "4,160" of "3,120". A key that is absent counts as zeros. Nobody who only adds has read the key, so adds never conflict.
 */
export type Add = readonly [key: string, by: readonly number[]];

/**
 * A place in a write where the storage puts the timestamp of the commit, a 64-bit integer that rises from commit to commit, and
 * from request to request where several share a commit: `stampOf`.
 */
export interface Stamp {
  /** The index of the write. */
  readonly write: number;
  /** In a key: eight chars, as `encodeKey` writes such integers. In a value: twelve, the base64 of `$integer`. */
  readonly part: "key" | "value";
  readonly offset: number;
}

/** What a transaction has read, found or not. */
export interface Reads {
  readonly keys: Iterable<string> & { has(key: string): boolean };
  /** Sorted and apart from each other. */
  readonly ranges: readonly { readonly start: string; readonly end: string }[];
}

/** What a commit changed for readers, beside the keys that it wrote. */
export interface Touched {
  /** Keys that stand as they did, of what is another thing now: index entries of documents that were written. */
  readonly keys: readonly string[];
  /** Everything below these has changed. For listeners only: who changes so much writes a key that all others read. */
  readonly prefixes: readonly string[];
  /** Nobody sees a difference in what was written itself: listeners go by `keys` and `prefixes` alone. */
  readonly isQuiet: boolean;
}

/** What a transaction hands over. What is left out is empty. */
export interface CommitRequest {
  readonly writes: readonly Write[];
  readonly adds?: readonly Add[];
  readonly stamps?: readonly Stamp[];
  /** Storages without `serialTransactions` refuse the commit when any of it was written, added to or touched since. */
  readonly reads?: Reads;
  /** Worked out where somebody asks, once. */
  readonly touched?: () => Touched;
}

export interface StorageReader {
  /** The commit that this reader sees; it sees all of the commits up to it, and nothing later. */
  readonly version: Version;
  get(key: string): MaybePromise<string | undefined>;
  /** The values of these keys, in the order of the keys. */
  getMany(keys: readonly string[]): MaybePromise<(string | undefined)[]>;
  /** The entries of the range in key order (or reversed). O(log n + entries). */
  scan(range: KeyRange, options?: ScanOptions): MaybePromise<Entry[]>;
}

/**
 * A frozen view for queries.
 *
 * Contract: reads stay exactly as of `version` while other transactions commit. A snapshot that outlives
 * the storage's age limit while newer commits exist may be released by the storage; its reads then throw
 * SNAPSHOT_TOO_OLD. `release` is idempotent, and every snapshot must be released.
 */
export interface StorageSnapshot extends StorageReader {
  release(): void;
}

/**
 * One serializable read-write transaction. Reads see the storage as of `version`, and what transactions of this opening handed
 * over before it began, without the transaction's own writes: the caller keeps those and hands them over in `commit`.
 *
 * Contract: exactly one of `commit` and `rollback` ends it. `commit` applies all of the request or none; when its
 * promise resolves it is as durable as the storage's setting says, and visible to every later
 * snapshot and transaction of this opening. It may reject with STORAGE_CONFLICT (nothing written, run again),
 * STORAGE_FULL, STORAGE_UNAVAILABLE or STORAGE_CLOSED. A request without writes and adds yields the version as of which all
 * that the transaction read was true at once; it too is refused when it read what was refused.
 */
export interface StorageTransaction extends StorageReader {
  /**
   * The storage as of `version` and nothing else. What a transaction sees beyond that is later than commits of other processes
   * that it does not see. Left out where it sees all that was handed over before it, by anybody.
   */
  readonly committed?: StorageReader;
  commit(request: CommitRequest): Promise<Version>;
  rollback(): void;
}

/** What was committed by any process: handed to listeners once, in version order, after it became visible. */
export interface Commit {
  readonly version: Version;
  /** It was handed over to this opening of the storage. */
  readonly isOwn: boolean;
  /** Puts and deletes, stamps filled in. A put without its value is one that is too long to be told; it has to be read. */
  readonly writes: readonly (Write | readonly [key: string, value: null])[];
  readonly adds: readonly Add[];
  readonly touched: () => Touched;
}

/** Whether nothing that was read before the commit is true any more: the database has lost commits that this process knows. */
export function changesEverything({ isOwn, touched }: Commit): boolean {
  return !isOwn && touched().prefixes.includes("");
}

export interface StorageCapabilities {
  /** Transactions run one after another, so a commit never conflicts. */
  readonly serialTransactions: boolean;
  /** Data outlives the process. */
  readonly persistent: boolean;
  /** Several processes may open the same data at once. */
  readonly shared: boolean;
}

/** Something that is not as it was written: one entry, or what holds the entries together. */
export interface StorageDamage {
  readonly kind: "entry" | "page";
  /** In hexadecimal, a byte for a char; of an entry. */
  readonly key?: string;
  readonly message: string;
}

/** What a storage found when it went through all of its entries. */
export interface StorageCheck {
  /** How many entries were met. */
  readonly entries: number;
  readonly damages: readonly StorageDamage[];
}

/** What a storage has done since it was opened, and what it takes up. */
export interface StorageFigures {
  /** How often commits were flushed to the disk, and how long that took in all. */
  readonly flushes: number;
  readonly flushMs: number;
  readonly dataBytes: number;
  /** What has been committed and is not in the data file yet. */
  readonly logBytes: number;
}

export interface Storage {
  readonly capabilities: StorageCapabilities;
  /** The latest version visible to a new snapshot. Listeners have heard of every commit up to it, and of none above it. */
  readonly version: Version;
  /**
   * At least the version of every commit that was acknowledged, to whomever, before the call. Calls at the same time share a
   * question to the database. @throws STORAGE_UNAVAILABLE
   */
  latest(): MaybePromise<Version>;
  /**
   * Resolves when `version` is at least this one. One that no commit has yet counts as the latest: it can only come from data
   * that was put back. @throws STORAGE_UNAVAILABLE
   */
  reached(version: Version): MaybePromise<void>;
  /** A view of the latest commit that is durable. */
  snapshot(): MaybePromise<StorageSnapshot>;
  /**
   * A view as of a commit that this opening has reached, whoever made it. Left out by storages that keep no history.
   * @throws SNAPSHOT_TOO_OLD where it is not kept any more, STORAGE_UNAVAILABLE
   */
  snapshotAt?(version: Version): MaybePromise<StorageSnapshot>;
  /**
   * Begins a transaction. With `serialTransactions` it waits for the transactions before it to have
   * handed over their writes (not until those are durable) and sees those writes.
   */
  begin(): Promise<StorageTransaction>;
  /**
   * Milliseconds since 1970 by the clock that versions come from, as far as it is known here; never below `version / 1000`. Left
   * out by storages that go by the clock of this process.
   */
  nowMs?(): number;
  /** With `serialTransactions`: whether a transaction waits for the one that has its turn. */
  readonly hasWaiting?: boolean;
  /** Calls the listener after each commit of any process that became visible; returns how to stop. */
  onCommit(listener: (commit: Commit) => void): () => void;
  /** Left out by storages without a disk. O(1). */
  figures?(): StorageFigures;
  /**
   * Looks at everything that is stored, beneath what can be asked for by key. Left out by storages that cannot be damaged,
   * or are checked otherwise. O(entries). `onEntries` is told how many entries have been looked at.
   */
  check?(onEntries?: (entries: number) => void): Promise<StorageCheck>;
  /** Waits for transactions under way, makes everything durable, releases files and locks. Idempotent. */
  close(): Promise<void>;
}

/** How `openBackend` gets its storage: `sqlite("app.sqlite")`, `memory()`. */
export type OpenStorage = () => Promise<Storage>;

/**
 * Has what begins afterwards see all that was acknowledged before, to whomever: undefined where it would anyway.
 * @throws STORAGE_UNAVAILABLE
 */
export function catchUp(storage: Pick<Storage, "latest" | "reached">): Promise<void> | undefined {
  const latest = storage.latest();
  if (latest instanceof Promise) return latest.then((version) => storage.reached(version));
  const reaching = storage.reached(latest);
  return reaching instanceof Promise ? reaching : undefined;
}

/** Refuses a scan limit that is not a positive whole number: a mistake in the caller, never bad input. */
export function assertLimit(limit: number | undefined): void {
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new RangeError(`A scan's limit must be a whole number of at least 1, not ${limit}.`);
  }
}

/**
 * The version of a commit that follows `previous` and happens at `nowMs`: the wall clock's, but always above the version
 * before, so that a clock which stands still or jumps back does not reorder commits.
 */
export function nextVersion(previous: Version, nowMs: number): Version {
  return Math.max(previous + 1, Math.floor(nowMs * 1000));
}
