/**
 * A moment at which queries are run: the snapshot that all of them read, and the commits that were heard of since it was taken,
 * which may have outdated what they find. Whoever needs it holds it, and the snapshot goes with the last one.
 */
import type { DatabaseCommit } from "../database/index.js";
import type { MaybePromise, Storage, StorageSnapshot, Version } from "../storage/storage.js";
import type { QueryRun } from "./live-query.js";

/** A query may wait for long, and so hold its round; what it has read is then taken for outdated. */
const maxKept = 1_000;

export class Round {
  #snapshot: MaybePromise<StorageSnapshot>;
  readonly #later: DatabaseCommit[] = [];
  /** The latest commit that was let go of, because too many came while the round was held. */
  #forgotten: Version = 0;
  readonly #onEnd: () => void;
  #holders = 0;

  /** @param onEnd Called when nobody holds it any more. */
  constructor(storage: Storage, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#snapshot = storage.snapshot();
    if (this.#snapshot instanceof Promise) {
      this.#snapshot.then(
        (snapshot) => (this.#snapshot = snapshot),
        () => {},
      );
    }
  }

  get snapshot(): MaybePromise<StorageSnapshot> {
    return this.#snapshot;
  }

  /** Whether nothing has been heard of since it began. */
  get isLatest(): boolean {
    return this.#later.length === 0;
  }

  hear(commit: DatabaseCommit): void {
    this.#later.push(commit);
    if (this.#later.length > maxKept) this.#forgotten = this.#later.shift()?.version ?? 0;
  }

  /** The first commit that may have changed what a run of this round found; infinite when there is none so far. */
  staleSince({ version, readSet }: QueryRun<unknown>): Version {
    if (version < this.#forgotten) return version + 1;
    const touching = this.#later.find(
      (commit) => commit.version > version && (readSet === null || readSet.intersects(commit)),
    );
    return touching?.version ?? Infinity;
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#onEnd();
    const snapshot = this.#snapshot;
    if (!(snapshot instanceof Promise)) return snapshot.release();
    snapshot.then(
      (opened) => opened.release(),
      () => {},
    );
  }
}
