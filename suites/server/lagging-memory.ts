/**
 * A storage in memory that several servers share, each of which hears of the commits of all of them a while later, or when a test
 * lets it. Its commits are validated like those of a database that is shared, so they meet real conflicts.
 */
import { memory, TrueupError, type OpenStorage } from "trueup";
import { touchesNothing } from "../../src/storage/commit-request.js";
import type {
  Commit,
  CommitRequest,
  MaybePromise,
  Reads,
  Storage,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../../src/storage/storage.js";

const lagMs = 3;

/** What is in it, and what has happened to it. */
class Core {
  readonly storage: Storage;
  readonly commits: Commit[] = [];
  readonly openings: Opening[] = [];
  readonly #snapshots = new Map<Version, StorageSnapshot>();

  private constructor(storage: Storage) {
    this.storage = storage;
  }

  static async open(): Promise<Core> {
    const core = new Core(await memory()());
    await core.keep();
    return core;
  }

  /** Keeps what is true now: nothing is ever too old. */
  async keep(): Promise<void> {
    const snapshot = await this.storage.snapshot();
    this.#snapshots.set(snapshot.version, snapshot);
  }

  at(version: Version): StorageSnapshot {
    const kept = this.#snapshots.get(version);
    if (kept === undefined) throw new TrueupError("SNAPSHOT_TOO_OLD");
    return {
      version,
      get: (key) => kept.get(key),
      getMany: (keys) => kept.getMany(keys),
      scan: (range, options) => kept.scan(range, options),
      release: () => {},
    };
  }

  /** Commits what has read nothing that was touched since; yields the conflicting commit otherwise. */
  async commit(request: CommitRequest, seen: Version): Promise<Commit | { readonly conflict: Version }> {
    const transaction = await this.storage.begin();
    const since = this.commits.filter(({ version }) => version > seen);
    const conflict = since.findLast((commit) => touches(commit, request.reads));
    if (conflict !== undefined) {
      transaction.rollback();
      return { conflict: conflict.version };
    }
    let made: Commit | undefined;
    const stop = this.storage.onCommit((commit) => (made = commit));
    await transaction.commit(request);
    stop();
    if (made === undefined) throw new Error("a commit that nobody was told of");
    this.commits.push(made);
    await this.keep();
    return made;
  }
}

function touches({ writes, adds, touched }: Commit, reads: Reads | undefined): boolean {
  if (reads === undefined) return false;
  const keys = [...writes, ...adds].map(([key]) => key).concat(touched().keys);
  return keys.some(
    (key) => reads.keys.has(key) || reads.ranges.some(({ start, end }) => start <= key && key < end),
  );
}

/** The storage as one server has it open. */
class Opening implements Storage {
  readonly capabilities = { serialTransactions: false, persistent: false, shared: true };
  readonly #core: Core;
  readonly #listeners = new Set<(commit: Commit) => void>();
  readonly #news: Commit[] = [];
  readonly #waiting = new Set<() => void>();
  #version: Version;
  #isHeld = false;
  #isClosed = false;

  constructor(core: Core) {
    this.#core = core;
    this.#version = core.storage.version;
  }

  get version(): Version {
    return this.#version;
  }

  /** How many wait for news. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** No news comes until the result is called. */
  hold(): () => void {
    this.#isHeld = true;
    return () => {
      this.#isHeld = false;
      this.#deliver();
    };
  }

  hear(commit: Commit): void {
    this.#news.push(commit);
    setTimeout(() => this.#deliver(), lagMs).unref();
  }

  #deliver(): void {
    if (this.#isHeld || this.#isClosed) return;
    for (const commit of this.#news.splice(0)) {
      this.#version = commit.version;
      for (const listener of this.#listeners) listener(commit);
    }
    for (const look of this.#waiting) look();
  }

  async latest(): Promise<Version> {
    await Promise.resolve();
    return this.#core.storage.version;
  }

  reached(version: Version): MaybePromise<void> {
    const wanted = Math.min(version, this.#core.storage.version);
    if (wanted <= this.#version) return undefined;
    return new Promise((resolve) => {
      const look = (): void => {
        if (wanted > this.#version) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  snapshot(): StorageSnapshot {
    return this.#core.at(this.#version);
  }

  snapshotAt(version: Version): StorageSnapshot {
    return this.#core.at(version);
  }

  async begin(): Promise<StorageTransaction> {
    await Promise.resolve();
    const seen = this.#core.at(this.#version);
    return {
      ...seen,
      rollback: () => {},
      commit: (request) => this.#commit(request, seen.version),
    };
  }

  async #commit(request: CommitRequest, seen: Version): Promise<Version> {
    if (request.writes.length === 0 && (request.adds ?? []).length === 0) return seen;
    const made = await this.#core.commit(request, seen);
    if ("conflict" in made) {
      await this.reached(made.conflict);
      throw new TrueupError("STORAGE_CONFLICT", undefined, { keys: [] });
    }
    const touched = request.touched ?? touchesNothing;
    for (const each of this.#core.openings) each.hear({ ...made, touched, isOwn: each === this });
    await this.reached(made.version);
    return made.version;
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.resolve();
  }
}

export interface LaggingMemory {
  /** Opens it once more. */
  readonly open: OpenStorage;
  /** Those who have it open, in their order. */
  readonly openings: readonly Opening[];
}

export async function laggingMemory(): Promise<LaggingMemory> {
  const core = await Core.open();
  const open = (): Promise<Storage> => {
    const opening = new Opening(core);
    core.openings.push(opening);
    return Promise.resolve(opening);
  };
  return { open, openings: core.openings };
}
