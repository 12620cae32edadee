/** One opening of a faulty disk, until it is closed or crashes. Every read is asynchronous. */
import { TrueupError } from "../../src/errors/index.js";
import { isEmpty } from "../../src/storage/commit-request.js";
import type {
  Commit,
  CommitRequest,
  Entry,
  KeyRange,
  MaybePromise,
  ScanOptions,
  Storage,
  StorageCapabilities,
  StorageReader,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../../src/storage/storage.js";

/** What the disk decides. */
export interface SessionHooks {
  readonly mayConflict: boolean;
  delay(): Promise<void>;
  /** Throws the fault that the commit meets, if any. */
  beforeCommit(): void;
  afterCommit(): void;
  onEnd(): Promise<void>;
}

export class FaultySession implements Storage {
  readonly capabilities: StorageCapabilities;
  readonly snapshotAt?: (version: Version) => Promise<StorageSnapshot>;
  readonly nowMs?: () => number;
  readonly #inner: Storage;
  readonly #hooks: SessionHooks;
  /** Transactions that have begun; a crash rolls them back. */
  readonly #active = new Map<StorageTransaction, { ended: Promise<void>; end: () => void }>();
  readonly #stops: (() => void)[] = [];
  #isClosed = false;

  constructor(inner: Storage, hooks: SessionHooks) {
    this.#inner = inner;
    this.#hooks = hooks;
    this.capabilities = {
      serialTransactions: inner.capabilities.serialTransactions && !hooks.mayConflict,
      persistent: true,
      shared: inner.capabilities.shared,
    };
    const nowMs = inner.nowMs?.bind(inner);
    if (nowMs !== undefined) this.nowMs = nowMs;
    const snapshotAt = inner.snapshotAt?.bind(inner);
    if (snapshotAt !== undefined) this.snapshotAt = (version) => this.#snapshot(() => snapshotAt(version));
  }

  get version(): Version {
    return this.#inner.version;
  }

  async latest(): Promise<Version> {
    await this.#hooks.delay();
    this.#assertOpen();
    return await this.#inner.latest();
  }

  async reached(version: Version): Promise<void> {
    await this.#hooks.delay();
    this.#assertOpen();
    await this.#inner.reached(version);
  }

  snapshot(): Promise<StorageSnapshot> {
    return this.#snapshot(() => this.#inner.snapshot());
  }

  async begin(): Promise<StorageTransaction> {
    this.#assertOpen();
    const transaction = await this.#inner.begin();
    // The delay comes only now, so that it does not change the order of the turns.
    await this.#hooks.delay();
    if (this.#isClosed) {
      transaction.rollback();
      throw new TrueupError("STORAGE_CLOSED");
    }
    this.#track(transaction);
    return {
      ...this.#reader(transaction),
      ...(transaction.committed === undefined ? {} : { committed: this.#reader(transaction.committed) }),
      commit: (request) => this.#commit(transaction, request),
      rollback: () => this.#rollback(transaction),
    };
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    const stop = this.#inner.onCommit(listener);
    this.#stops.push(stop);
    return stop;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#active.values(), ({ ended }) => ended));
    await this.#end();
  }

  /** Ends everything at once; what is not acknowledged is lost. */
  crash(): void {
    this.#isClosed = true;
    for (const transaction of this.#active.keys()) this.#rollback(transaction);
    void this.#end();
  }

  async #end(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#hooks.onEnd();
  }

  async #snapshot(take: () => MaybePromise<StorageSnapshot>): Promise<StorageSnapshot> {
    await this.#hooks.delay();
    this.#assertOpen();
    const snapshot = await take();
    return { ...this.#reader(snapshot), release: () => snapshot.release() };
  }

  #track(transaction: StorageTransaction): void {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#active.set(transaction, { ended, end });
  }

  #untrack(transaction: StorageTransaction): boolean {
    this.#active.get(transaction)?.end();
    return this.#active.delete(transaction);
  }

  async #commit(transaction: StorageTransaction, request: CommitRequest): Promise<Version> {
    if (!this.#active.has(transaction)) return transaction.commit(request);
    try {
      await this.#hooks.delay();
      this.#assertActive(transaction);
      if (!isEmpty(request)) this.#hooks.beforeCommit();
      const version = await transaction.commit(request);
      if (!isEmpty(request)) this.#hooks.afterCommit();
      return version;
    } catch (error) {
      transaction.rollback();
      throw error;
    } finally {
      this.#untrack(transaction);
    }
  }

  /** A crash while the commit was under way has rolled it back. */
  #assertActive(transaction: StorageTransaction): void {
    if (!this.#active.has(transaction)) throw new TrueupError("STORAGE_CLOSED");
  }

  #rollback(transaction: StorageTransaction): void {
    transaction.rollback();
    this.#untrack(transaction);
  }

  #reader(inner: StorageReader): StorageReader {
    return {
      version: inner.version,
      get: (key: string): Promise<string | undefined> => this.#read(inner, () => inner.get(key)),
      getMany: (keys: readonly string[]): Promise<(string | undefined)[]> =>
        this.#read(inner, () => inner.getMany(keys)),
      scan: (range: KeyRange, options?: ScanOptions): Promise<Entry[]> =>
        this.#read(inner, () => inner.scan(range, options)),
    };
  }

  async #read<T>(inner: StorageReader, run: () => T | Promise<T>): Promise<T> {
    await this.#hooks.delay();
    // A transaction that has begun may finish while the storage closes.
    if (this.#isClosed && !this.#isActive(inner)) throw new TrueupError("STORAGE_CLOSED");
    return run();
  }

  #isActive(reader: StorageReader): boolean {
    for (const transaction of this.#active.keys()) if (transaction === reader) return true;
    return false;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
  }
}
