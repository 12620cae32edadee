/** What all openings of a shared storage in memory have in common: the storage itself, its latest versions, its log. */
import { TrueupError } from "../../errors/index.js";
import { plainWrites, stampedWrites, stampOf } from "../commit-request.js";
import { changesOf, type Changes, type PendingRequest, readOf } from "../pending/index.js";
import { type Commit, nextVersion, type Version } from "../storage.js";
import { emptyTree, type Tree } from "./tree.js";

/** What an opening is about to do: ask, commit, hear the answer to a commit, hear of a commit. */
export type SharedStep = "read" | "commit" | "answer" | "feed";

export interface SharedMemoryOptions {
  /** Milliseconds since 1970; `Date.now` when left out. */
  readonly clock?: () => number;
  /**
   * Called before each step of an opening, which waits for it: so news may come late. Where it throws, the opening does not
   * reach the storage: an answer that was lost is asked for again, and everything else fails with what was thrown.
   * @param opening Counted from 0.
   */
  readonly before?: (step: SharedStep, opening: number) => void | Promise<void>;
  /** So many versions can be read, the latest included; 1,000 when left out. */
  readonly keptVersions?: number;
}

/** A commit as the feed of every opening brings it. */
export interface LoggedCommit {
  readonly opening: number;
  /** The request of which it came: its opening tells it by that. */
  readonly pending: PendingRequest;
  readonly commit: Omit<Commit, "isOwn">;
  readonly changes: Changes;
}

/** What became of a batch: those of its requests that were refused, and the last version then. */
export interface BatchOutcome {
  readonly version: Version;
  readonly refused: readonly PendingRequest[];
}

/** An opening, as the data knows it. */
interface Follower {
  /** Up to where it has heard. */
  readonly version: Version;
  hear(): void;
}

const defaultKeptVersions = 1000;

/** What all openings share: the storage itself, its latest versions, and the log that their feeds read. */
export class SharedData {
  readonly #clock: () => number;
  readonly #keptVersions: number;
  readonly #tree: Tree = emptyTree();
  /** The entries as of each version, in their order. */
  readonly #versions = new Map<Version, Tree>();
  #log: LoggedCommit[] = [];
  readonly #outcomes = new WeakMap<readonly PendingRequest[], BatchOutcome>();
  readonly #followers = new Set<Follower>();
  version: Version = 0;

  constructor({ clock = Date.now, keptVersions = defaultKeptVersions }: SharedMemoryOptions) {
    this.#clock = clock;
    this.#keptVersions = keptVersions;
    this.#versions.set(0, this.#tree.clone());
  }

  /** The entries as of a version. @throws SNAPSHOT_TOO_OLD */
  at(version: Version): Tree {
    const tree = this.#versions.get(version);
    if (tree === undefined) throw new TrueupError("SNAPSHOT_TOO_OLD");
    return tree;
  }

  nowMs(): number {
    return Math.max(this.#clock(), this.version / 1000);
  }

  /** The first commit after a version; undefined when there is none. */
  next(version: Version): LoggedCommit | undefined {
    return this.#log.find(({ commit }) => commit.version > version);
  }

  /** Tells the follower of each commit, and keeps those that it has not heard of; returns how to stop. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
  }

  /**
   * Commits what of a batch still stands. The same batch once more has the same outcome.
   * @param known Up to this version nothing has overtaken it.
   */
  commit(batch: readonly PendingRequest[], known: Version, opening: number): BatchOutcome {
    const before = this.#outcomes.get(batch);
    if (before !== undefined) return before;
    const since = this.#log.filter(({ commit }) => commit.version > known);
    const isForgotten = !this.#versions.has(known);
    const refused: PendingRequest[] = [];
    for (const pending of batch) {
      const isOvertaken = since.some(({ changes }) => readOf(changes, pending.request.reads).length > 0);
      const isWithAnother = pending.dependsOn.some((other) => refused.includes(other));
      if (isForgotten || isOvertaken || isWithAnother) refused.push(pending);
      else this.#apply(pending, opening);
    }
    const outcome = { version: this.version, refused };
    this.#outcomes.set(batch, outcome);
    if (refused.length < batch.length) for (const follower of this.#followers) follower.hear();
    return outcome;
  }

  #apply(pending: PendingRequest, opening: number): void {
    const { request, touched } = pending;
    const { adds = [] } = request;
    const version = nextVersion(this.version, this.#clock());
    const writes = stampedWrites(request, () => stampOf(version));
    for (const [key, value] of plainWrites(writes, adds, (key) => this.#tree.get(key))) {
      if (value === undefined) this.#tree.delete(key);
      else this.#tree.set(key, value);
    }
    this.version = version;
    this.#versions.set(version, this.#tree.clone());
    const commit = { version, writes, adds, touched: () => touched };
    this.#log.push({ opening, pending, commit, changes: changesOf(writes, adds, touched) });
    while (this.#versions.size > this.#keptVersions) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#versions.keys();
    if (oldest === undefined) return;
    this.#versions.delete(oldest);
    const heard = Math.min(oldest, ...[...this.#followers].map(({ version }) => version));
    while ((this.#log[0]?.commit.version ?? Infinity) <= heard) this.#log.shift();
  }
}
