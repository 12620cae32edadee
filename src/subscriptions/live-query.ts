/**
 * One query, however many watch it: its latest outcome, the commit at which that was computed, and the first commit after it
 * that may have changed it. The outcome is right at every commit from the one up to the other.
 */
import type { ReadSet } from "../database/index.js";
import type { Version } from "../storage/storage.js";

/** What running a query yields. */
export interface QueryRun<Outcome> {
  readonly outcome: Outcome;
  /** The commit that the query saw. */
  readonly version: Version;
  /** What it read; null when that is not known, so that every commit may have changed it. */
  readonly readSet: ReadSet | null;
}

/** Who is told when the outcome may be another. */
export interface Watcher {
  outdated(): void;
}

export class LiveQuery<Call, Outcome> {
  readonly key: string;
  readonly call: Call;
  readonly watchers: Set<Watcher> = new Set();
  /** Runs under way, by the commit that they see. */
  readonly runs: Map<Version, Promise<QueryRun<Outcome>>> = new Map();
  #latest: QueryRun<Outcome> | null = null;
  #previous: Outcome | null = null;
  #staleSince: Version = 0;

  constructor(key: string, call: Call) {
    this.key = key;
    this.call = call;
  }

  /** What the last run yielded, whatever has happened since; null before there was one. */
  get previous(): Outcome | null {
    return this.#previous;
  }

  /** The outcome at a commit, where it is known. */
  at(version: Version): QueryRun<Outcome> | undefined {
    const latest = this.#latest;
    return latest !== null && latest.version <= version && version < this.#staleSince ? latest : undefined;
  }

  /** Whether no commit is known that may have changed this outcome. */
  isCurrent(outcome: Outcome | undefined): boolean {
    return this.#latest !== null && this.#latest.outcome === outcome && this.#staleSince === Infinity;
  }

  /** Whether a run saw a later commit than all that were noted. */
  isNews(run: QueryRun<Outcome>): boolean {
    return this.#latest === null || this.#latest.version < run.version;
  }

  /** Notes a run. @param staleSince The first commit known that may have changed what it found. */
  record(run: QueryRun<Outcome>, staleSince: Version): void {
    this.#latest = run;
    this.#previous = run.outcome;
    this.#staleSince = Infinity;
    if (staleSince !== Infinity) this.outdate(staleSince);
  }

  /** Notes that the outcome is not to be believed any more, whatever was written: other code runs now. */
  invalidate(): void {
    this.outdate(0);
    this.#latest = null;
  }

  /** Notes that a commit may have changed the outcome, and tells who watches, unless an earlier one has. */
  outdate(version: Version): void {
    if (this.#staleSince !== Infinity) return;
    this.#staleSince = version;
    for (const watcher of this.watchers) watcher.outdated();
  }
}
