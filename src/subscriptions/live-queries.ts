/**
 * All queries that are watched in this process, each run once however many watch it. An index over what they have read says
 * which of them a commit may have changed, and only who watches one of those is told, once, to look again. All state here
 * follows from the commits that the database tells of, in their order.
 */
import type { Database, DatabaseCommit } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { MaybePromise, Storage, StorageSnapshot, Version } from "../storage/storage.js";
import { LiveQuery, type QueryRun } from "./live-query.js";
import { ReadIndex } from "./read-index.js";
import { Round } from "./round.js";
import { Turns } from "./turns.js";

/**
 * Runs a query in a snapshot, given what its last run yielded: a page of results ends where it ended before. Yields that very
 * outcome when it is the same again. Never rejects for what the query throws, which is an outcome too.
 */
export type RunQuery<Call, Outcome> = (
  call: Call,
  snapshot: StorageSnapshot,
  previous: Outcome | null,
) => Promise<QueryRun<Outcome>>;

export class LiveQueries<Call, Outcome> {
  readonly turns: Turns = new Turns();
  readonly #storage: Storage;
  readonly #run: RunQuery<Call, Outcome>;
  readonly #keyOf: (call: Call) => string;
  readonly #queries = new Map<string, LiveQuery<Call, Outcome>>();
  readonly #index = new ReadIndex<LiveQuery<Call, Outcome>>();
  readonly #rounds = new Set<Round>();
  readonly #stopListening: () => void;
  readonly #waiting: { readonly version: Version; readonly resume: () => void }[] = [];
  #round: Round | null = null;
  #seen: Version;
  /** Rises when other code runs: what was begun before is not kept. */
  #program = 0;
  #isClosed = false;

  /** @param keyOf Equal for calls that always have the same outcome: the function, its arguments, and who calls it. */
  constructor(
    database: Pick<Database, "onCommit" | "storage">,
    run: RunQuery<Call, Outcome>,
    keyOf: (call: Call) => string,
  ) {
    this.#storage = database.storage;
    this.#run = run;
    this.#keyOf = keyOf;
    this.#seen = database.storage.version;
    this.#stopListening = database.onCommit((commit) => this.#hear(commit));
  }

  /** The latest commit that every live query knows of. */
  get seen(): Version {
    return this.#seen;
  }

  /**
   * Returns undefined when every live query knows of this commit, else a promise that resolves when they do: a mutation may
   * return before its commit is told. @throws BACKEND_CLOSED
   */
  whenSeen(version: Version): Promise<void> | undefined {
    if (this.#isClosed) throw new TrueupError("BACKEND_CLOSED");
    return version <= this.#seen ? undefined : this.#waitFor(version);
  }

  /** How many different queries are watched. */
  get size(): number {
    return this.#queries.size;
  }

  /** All outcomes are to be computed again: other code runs now. */
  invalidateAll(): void {
    this.#program += 1;
    for (const query of this.#queries.values()) query.invalidate();
  }

  /** The live query of a call, made when there is none yet. */
  query(call: Call): LiveQuery<Call, Outcome> {
    const key = this.#keyOf(call);
    const found = this.#queries.get(key);
    if (found !== undefined) return found;
    const made = new LiveQuery<Call, Outcome>(key, call);
    this.#queries.set(key, made);
    return made;
  }

  /** Forgets a query that nobody watches any more. */
  forgetUnwatched(query: LiveQuery<Call, Outcome>): void {
    if (query.watchers.size > 0) return;
    if (this.#queries.get(query.key) === query) this.#queries.delete(query.key);
    this.#index.delete(query);
  }

  /** The round that sees every commit heard of so far. It is held for the caller, who releases it. */
  hold(): Round {
    let round = this.#round;
    if (round === null || !round.isLatest) {
      const begun = new Round(this.#storage, () => {
        this.#rounds.delete(begun);
        if (this.#round === begun) this.#round = null;
      });
      round = begun;
      this.#rounds.add(begun);
      this.#round = begun;
    }
    round.hold();
    return round;
  }

  /**
   * The outcome of a query in a round: the one that is known to be right, that of the run under way, else that of a new run. A
   * run may have waited for something, and then saw a later commit than the round.
   */
  runIn(
    round: Round,
    snapshot: StorageSnapshot,
    query: LiveQuery<Call, Outcome>,
  ): MaybePromise<QueryRun<Outcome>> {
    const { version } = snapshot;
    const known = query.at(version) ?? query.runs.get(version);
    if (known !== undefined) return known;
    const run = this.#runNow(round, snapshot, query).finally(() => query.runs.delete(version));
    // Whoever needs it may have failed for another query by then.
    run.catch(() => {});
    query.runs.set(version, run);
    return run;
  }

  /** Stops following commits; whoever settles or waits for one is refused from now on. */
  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#queries.clear();
    this.#resume();
  }

  async #runNow(
    round: Round,
    snapshot: StorageSnapshot,
    query: LiveQuery<Call, Outcome>,
  ): Promise<QueryRun<Outcome>> {
    const program = this.#program;
    const run = await this.#run(query.call, snapshot, query.previous);
    if (query.isNews(run) && program === this.#program && query.watchers.size > 0) {
      this.#index.set(query, run.readSet);
      query.record(run, round.staleSince(run));
    }
    return run;
  }

  async #waitFor(version: Version): Promise<void> {
    await new Promise<void>((resume) => this.#waiting.push({ version, resume }));
    if (this.#isClosed) throw new TrueupError("BACKEND_CLOSED");
  }

  #hear(commit: DatabaseCommit): void {
    for (const round of this.#rounds) round.hear(commit);
    this.#index.touchedBy(commit, (query) => query.outdate(commit.version));
    this.#seen = commit.version;
    this.#resume();
  }

  #resume(): void {
    if (this.#waiting.length === 0) return;
    const isDue = ({ version }: { readonly version: Version }): boolean =>
      this.#isClosed || version <= this.#seen;
    const due = this.#waiting.filter(isDue);
    const still = this.#waiting.filter((waiting) => !isDue(waiting));
    this.#waiting.splice(0, this.#waiting.length, ...still);
    for (const { resume } of due) resume();
  }
}
