/** One opening of a shared storage in memory: what it has heard of, and what it has handed over. */
import { TrueupError } from "../../errors/index.js";
import { CommitListeners } from "../commit-listeners.js";
import { type PendingRequest, PendingRequests, type Seen } from "../pending/index.js";
import type {
  Commit,
  CommitRequest,
  Storage,
  StorageCapabilities,
  StorageReader,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../storage.js";
import { TransactionState } from "../transaction-state.js";
import type {
  BatchOutcome,
  LoggedCommit,
  SharedData,
  SharedMemoryOptions,
  SharedStep,
} from "./shared-data.js";
import { TreeReader } from "./tree.js";

const mostRequests = 256;
const mostBytes = 1_000_000;

export class SharedOpening implements Storage {
  readonly capabilities: StorageCapabilities = {
    serialTransactions: false,
    persistent: true,
    shared: true,
  };
  readonly #data: SharedData;
  readonly #number: number;
  readonly #before: NonNullable<SharedMemoryOptions["before"]>;
  readonly #pending: PendingRequests;
  readonly #listeners = new CommitListeners();
  readonly #stopFollowing: () => void;
  #isHearing = false;
  #sending: Promise<void> | undefined;
  #whenHeard: (() => void)[] = [];
  /** Transactions that have begun and not ended. */
  #begun = 0;
  #whenEnded: () => void = () => undefined;
  #isClosing = false;
  #isClosed = false;

  constructor(data: SharedData, number: number, before: SharedMemoryOptions["before"]) {
    this.#data = data;
    this.#number = number;
    this.#before = before ?? (() => undefined);
    this.#pending = new PendingRequests(data.version);
    this.#stopFollowing = data.follow(this);
  }

  get version(): Version {
    return this.#pending.version;
  }

  async latest(): Promise<Version> {
    await this.#step("read");
    return this.#data.version;
  }

  async reached(version: Version): Promise<void> {
    await this.#step("read");
    await this.#heardUpTo(Math.min(version, this.#data.version));
    this.#assertOpen();
  }

  nowMs(): number {
    return this.#data.nowMs();
  }

  snapshot(): StorageSnapshot {
    return this.snapshotAt(this.version);
  }

  snapshotAt(version: Version): StorageSnapshot {
    this.#assertOpen();
    let isReleased = false;
    const reader = this.#readerAt(version, () => {
      this.#assertOpen();
      if (isReleased) throw new Error("The snapshot was read after its release.");
    });
    const release = (): void => {
      isReleased = true;
    };
    return { ...reader, release };
  }

  async begin(): Promise<StorageTransaction> {
    if (this.#isClosing) throw new TrueupError("STORAGE_CLOSED");
    const seen = this.#pending.begin();
    const state = new TransactionState();
    const base = this.#readerAt(seen.version, () => state.assertActive());
    this.#begun++;
    const ended = (): void => {
      this.#begun--;
      this.#whenEnded();
    };
    const getMany = async (keys: readonly string[]): Promise<(string | undefined)[]> => {
      state.assertActive();
      return await this.#pending.getMany(seen, keys, base);
    };
    return {
      version: seen.version,
      committed: base,
      get: async (key) => (await getMany([key]))[0],
      getMany,
      scan: async (range, options) => {
        state.assertActive();
        return await this.#pending.scan(seen, range, options, base);
      },
      commit: async (request) => {
        state.assertActive();
        state.end();
        return await this.#commit(seen, request).finally(ended);
      },
      rollback: () => {
        if (!state.end()) return;
        this.#pending.end(seen);
        ended();
      },
    };
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** What has been committed is heard of before it ends. */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#begun > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEnded = resolve;
      });
    }
    this.#isClosed = true;
    this.#stopFollowing();
    this.#pending.failAll(new TrueupError("STORAGE_CLOSED"));
    this.#release();
    await this.#sending;
  }

  #commit(seen: Seen, request: CommitRequest): Promise<Version> {
    const committed = this.#pending.handOver(seen, request);
    this.#sending ??= this.#send();
    return committed;
  }

  /** Reads what was true at a version. */
  #readerAt(version: Version, assertUsable: () => void): StorageReader {
    const reader = new TreeReader(this.#data.at(version), version, assertUsable);
    const asked = async <T>(read: () => T): Promise<T> => {
      assertUsable();
      await this.#before("read", this.#number);
      this.#data.at(version);
      return read();
    };
    return {
      version,
      get: (key) => asked(() => reader.get(key)),
      getMany: (keys) => asked(() => reader.getMany(keys)),
      scan: (range, options) => asked(() => reader.scan(range, options)),
    };
  }

  /** Sends one batch after the other. What is handed over in the same turn goes together. */
  async #send(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.isWaiting) {
      const known = this.version;
      const batch = this.#pending.take(mostRequests, mostBytes);
      if (batch.length === 0) continue;
      const outcome = await this.#commitBatch(batch, known);
      if (outcome === undefined) continue;
      // What refused it is seen by whoever tries again.
      await this.#heardUpTo(outcome.version);
      this.#pending.refuse(outcome.refused);
    }
    // At once: what is handed over from here on has to be sent.
    this.#sending = undefined;
  }

  /** Sends a batch until it is answered; undefined when it did not get there. */
  async #commitBatch(batch: readonly PendingRequest[], known: Version): Promise<BatchOutcome | undefined> {
    try {
      await this.#before("commit", this.#number);
    } catch (error) {
      this.#pending.fail(batch, error);
      return undefined;
    }
    for (;;) {
      const outcome = this.#data.commit(batch, known, this.#number);
      try {
        await this.#before("answer", this.#number);
        return outcome;
      } catch {
        // The answer was lost: the same batch is sent again.
      }
    }
  }

  async #heardUpTo(version: Version): Promise<void> {
    while (this.version < version && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#whenHeard.push(resolve);
      });
    }
  }

  /** Hears of what was committed, in its own time. */
  hear(): void {
    if (this.#isHearing) return;
    this.#isHearing = true;
    void this.#hearAll();
  }

  async #hearAll(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#data.next(this.version) !== undefined) {
        await this.#before("feed", this.#number);
        const logged = this.#data.next(this.version);
        if (logged === undefined || this.#isClosed) break;
        this.#tell(logged);
        this.#release();
      }
    } finally {
      // At once: what is committed from here on has to be told.
      this.#isHearing = false;
    }
  }

  #tell({ opening, pending, commit }: LoggedCommit): void {
    if (opening === this.#number) {
      this.#listeners.notify(this.#pending.commit(pending, commit.version));
      pending.acknowledge();
      return;
    }
    const foreign = { ...commit, isOwn: false };
    this.#pending.hear(foreign);
    this.#listeners.notify(foreign);
  }

  #release(): void {
    for (const resolve of this.#whenHeard.splice(0)) resolve();
  }

  async #step(step: SharedStep): Promise<void> {
    this.#assertOpen();
    await this.#before(step, this.#number);
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
  }
}
