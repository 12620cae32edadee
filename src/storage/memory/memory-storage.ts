/**
 * A storage that lives and dies with the process: a B+ tree whose clones share nodes until one of them is written
 * to. A snapshot is such a clone, O(1) to make, and all snapshots of one version are the same clone.
 * Transactions run one after another and read the tree itself, which only they may change.
 */
import { TrueupError } from "../../errors/index.js";
import { CommitListeners } from "../commit-listeners.js";
import { SerialQueue } from "../serial-queue.js";
import type {
  Commit,
  OpenStorage,
  Storage,
  StorageCapabilities,
  StorageSnapshot,
  StorageTransaction,
  Version,
  Write,
} from "../storage.js";
import { nextVersion } from "../version-clock.js";
import { MemorySnapshot } from "./memory-snapshot.js";
import { MemoryTransaction } from "./memory-transaction.js";
import { emptyTree, type Tree } from "./tree.js";

export interface MemoryOptions {
  /** Milliseconds since 1970; `Date.now` when left out. */
  readonly clock?: () => number;
}

/** An empty storage in memory: for tests, and for data that may be lost. */
export function memory(options: MemoryOptions = {}): OpenStorage {
  return () => Promise.resolve(new MemoryStorage(options.clock ?? Date.now));
}

class MemoryStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    serialTransactions: true,
    persistent: false,
    shared: false,
  };
  readonly #clock: () => number;
  readonly #tree: Tree = emptyTree();
  readonly #queue = new SerialQueue();
  readonly #listeners = new CommitListeners();
  #isClosed = false;
  readonly #assertOpen = (): void => {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
  };
  #version: Version = 0;
  /** The tree as of `#version`, once somebody asked for a snapshot of it. */
  #latest: Tree | undefined;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get version(): Version {
    return this.#version;
  }

  snapshot(): StorageSnapshot {
    this.#assertOpen();
    this.#latest ??= this.#tree.clone();
    return new MemorySnapshot(this.#latest, this.#version, this.#assertOpen);
  }

  async begin(): Promise<StorageTransaction> {
    await this.#queue.enter();
    return new MemoryTransaction(this.#tree, this.#version, {
      apply: (writes) => this.#apply(writes),
      end: () => this.#queue.leave(),
    });
  }

  get hasWaiting(): boolean {
    return this.#queue.hasWaiting;
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#isClosed = true;
    this.#tree.clear();
    this.#latest = undefined;
  }

  #apply(writes: readonly Write[]): Version {
    if (writes.length === 0) return this.#version;
    for (const [key, value] of writes) {
      if (value === undefined) this.#tree.delete(key);
      else this.#tree.set(key, value);
    }
    this.#latest = undefined;
    this.#version = nextVersion(this.#version, this.#clock());
    this.#listeners.notify({ version: this.#version, writes });
    return this.#version;
  }
}
