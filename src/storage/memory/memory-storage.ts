/**
 * A storage that lives and dies with the process: a B+ tree whose clones share nodes until one of them is written
 * to. A snapshot is such a clone, O(1) to make, and all snapshots of one version are the same clone.
 * Transactions run one after another and read the tree itself, which only they may change.
 */
import { TrueupError } from "../../errors/index.js";
import { CommitListeners } from "../commit-listeners.js";
import { SerialQueue } from "../serial-queue.js";
import {
  type Commit,
  type CommitRequest,
  nextVersion,
  type OpenStorage,
  type Storage,
  type StorageCapabilities,
  type StorageSnapshot,
  type StorageTransaction,
  type Version,
} from "../storage.js";
import { isEmpty, plainWrites, stampedWrites, stampOf, touchesNothing } from "../commit-request.js";
import { emptyTree, type Tree, TreeReader } from "./tree.js";
import { TransactionState } from "../transaction-state.js";

/** Options of a storage in memory. */
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

  latest(): Version {
    this.#assertOpen();
    return this.#version;
  }

  reached(): void {
    this.#assertOpen();
  }

  snapshot(): StorageSnapshot {
    this.#assertOpen();
    this.#latest ??= this.#tree.clone();
    return new MemorySnapshot(this.#latest, this.#version, this.#assertOpen);
  }

  async begin(): Promise<StorageTransaction> {
    await this.#queue.enter();
    return new MemoryTransaction(this.#tree, this.#version, {
      apply: (request) => this.#apply(request),
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

  #apply(request: CommitRequest): Version {
    if (isEmpty(request)) return this.#version;
    const version = nextVersion(this.#version, this.#clock());
    const writes = stampedWrites(request, () => stampOf(version));
    const { adds = [], touched = touchesNothing } = request;
    for (const [key, value] of plainWrites(writes, adds, (key) => this.#tree.get(key))) {
      if (value === undefined) this.#tree.delete(key);
      else this.#tree.set(key, value);
    }
    this.#latest = undefined;
    this.#version = version;
    this.#listeners.notify({ version, isOwn: true, writes, adds, touched });
    return version;
  }
}

/** A view of the tree as of one commit. It costs memory only for what changed since; `release` ends its use. */
class MemorySnapshot extends TreeReader implements StorageSnapshot {
  readonly #release: () => void;

  constructor(tree: Tree, version: Version, assertOpen: () => void) {
    let isReleased = false;
    super(tree, version, () => {
      assertOpen();
      if (isReleased) throw new Error("The snapshot was read after its release.");
    });
    this.#release = () => {
      isReleased = true;
    };
  }

  release(): void {
    this.#release();
  }
}

/** What a transaction needs of its storage. */
interface Turn {
  apply(request: CommitRequest): Version;
  end(): void;
}

/** One turn in the queue of transactions: reads the tree, and hands over all of its writes in `commit`. */
class MemoryTransaction extends TreeReader implements StorageTransaction {
  readonly #state: TransactionState;
  readonly #turn: Turn;

  constructor(tree: Tree, version: Version, turn: Turn) {
    const state = new TransactionState();
    super(tree, version, () => state.assertActive());
    this.#state = state;
    this.#turn = turn;
  }

  async commit(request: CommitRequest): Promise<Version> {
    this.#state.assertActive();
    this.#state.end();
    const version = this.#turn.apply(request);
    this.#turn.end();
    return version;
  }

  rollback(): void {
    if (this.#state.end()) this.#turn.end();
  }
}
