/**
 * One query that somebody watches: its latest outcome, the commit at which that was computed, and the first commit
 * after it that may have changed it. Its outcome is right at every commit from the one up to the other.
 */
import type { DatabaseCommit, ReadSet } from "../database/index.js";
import type { Version } from "../storage/storage.js";

/** What running a query yields. */
export interface QueryRun<Outcome> {
  readonly outcome: Outcome;
  /** The commit that the query saw. */
  readonly version: Version;
  /** What it read; null when that is not known, so that every commit may have changed it. */
  readonly readSet: ReadSet | null;
}

export class LiveQuery<Outcome> {
  /** How many watch it. */
  watchers = 0;
  readonly #run: (previous: Outcome | null) => Promise<QueryRun<Outcome>>;
  #previous: Outcome | null = null;
  #latest: QueryRun<Outcome> | null = null;
  #staleSince: Version = Infinity;
  #running: Promise<void> | null = null;
  /** Commits that came while it runs: some may be later than what it sees. */
  #meanwhile: DatabaseCommit[] = [];
  #mustRunAgain = false;

  /** @param run Given what the last run yielded: a page of results ends where it ended before. */
  constructor(run: (previous: Outcome | null) => Promise<QueryRun<Outcome>>) {
    this.#run = run;
  }

  /** The outcome and the commit it was computed at; null before the first run has ended. */
  get latest(): QueryRun<Outcome> | null {
    return this.#latest;
  }

  /** The first commit that may have changed the outcome; infinite while there is none. */
  get staleSince(): Version {
    return this.#latest === null ? 0 : this.#staleSince;
  }

  /** Notes a commit. Returns true when it may have changed the outcome that was right until then. */
  commit(commit: DatabaseCommit): boolean {
    if (this.#running !== null) this.#meanwhile.push(commit);
    if (this.#latest === null || this.#staleSince !== Infinity || !touches(this.#latest, commit)) {
      return false;
    }
    this.#staleSince = commit.version;
    return true;
  }

  /** The outcome is not to be believed any more, whatever was written: other code runs now. */
  invalidate(): void {
    this.#latest = null;
    this.#staleSince = Infinity;
    this.#mustRunAgain = this.#running !== null;
  }

  /** Runs it, unless the outcome is right; those who ask meanwhile share the run. */
  async refresh(): Promise<void> {
    if (this.staleSince === Infinity) return;
    this.#running ??= this.#runOnce().finally(() => {
      this.#running = null;
    });
    await this.#running;
  }

  async #runOnce(): Promise<void> {
    do {
      this.#mustRunAgain = false;
      this.#meanwhile = [];
      const run = await this.#run(this.#previous);
      this.#previous = run.outcome;
      this.#latest = run;
      this.#staleSince = this.#meanwhile.find((commit) => touches(run, commit))?.version ?? Infinity;
    } while (this.#mustRunAgain);
    this.#meanwhile = [];
  }
}

function touches(run: QueryRun<unknown>, commit: DatabaseCommit): boolean {
  if (commit.version <= run.version) return false;
  return run.readSet === null || run.readSet.intersects(commit);
}
