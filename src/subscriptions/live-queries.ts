/**
 * All queries that are watched in this process, each run once however many watch it. After a commit those whose
 * read set it touches are stale, and whoever watches one of them is told, once, to look again.
 */
import type { Database } from "../database/index.js";
import type { Version } from "../storage/storage.js";
import { LiveQuery, type QueryRun } from "./live-query.js";

/**
 * Runs a query, given what its last run yielded; never rejects for what the query throws, which is an outcome too.
 */
export type RunQuery<Call, Outcome> = (call: Call, previous: Outcome | null) => Promise<QueryRun<Outcome>>;

export class LiveQueries<Call, Outcome> {
  readonly #run: RunQuery<Call, Outcome>;
  readonly #keyOf: (call: Call) => string;
  readonly #queries = new Map<string, LiveQuery<Outcome>>();
  readonly #sets = new Set<LiveQuerySet<Call, Outcome>>();
  readonly #stopListening: () => void;
  readonly #waiting: { readonly version: Version; readonly resume: () => void }[] = [];
  #seen: Version;

  /** @param keyOf Equal for calls that always have the same outcome. */
  constructor(database: Database, run: RunQuery<Call, Outcome>, keyOf: (call: Call) => string) {
    this.#run = run;
    this.#keyOf = keyOf;
    this.#seen = database.storage.version;
    this.#stopListening = database.onCommit((commit) => {
      const stale = new Set<LiveQuery<Outcome>>();
      for (const query of this.#queries.values()) if (query.commit(commit)) stale.add(query);
      this.#seen = commit.version;
      for (const set of this.#sets) set.committed(stale);
      this.#resume();
    });
  }

  /** The latest commit that every live query knows of. */
  get seen(): Version {
    return this.#seen;
  }

  /** Resolves when every live query knows of this commit: a mutation may return before its commit is told. */
  async whenSeen(version: Version): Promise<void> {
    if (version <= this.#seen) return;
    await new Promise<void>((resume) => this.#waiting.push({ version, resume }));
  }

  /** A client's queries. @param onStale Called when one of them may have another outcome. */
  open(onStale: () => void): LiveQuerySet<Call, Outcome> {
    const set = new LiveQuerySet<Call, Outcome>(this, onStale, () => this.#sets.delete(set));
    this.#sets.add(set);
    return set;
  }

  /** All outcomes are to be computed again: other code runs now. */
  invalidateAll(): void {
    for (const query of this.#queries.values()) query.invalidate();
    const all = new Set(this.#queries.values());
    for (const set of this.#sets) set.committed(all);
  }

  /** The live query of a call, made when nobody watches it yet. To be given back with `release`. */
  watch(call: Call): LiveQuery<Outcome> {
    const key = this.#keyOf(call);
    let query = this.#queries.get(key);
    if (query === undefined) {
      query = new LiveQuery((previous) => this.#run(call, previous));
      this.#queries.set(key, query);
    }
    query.watchers += 1;
    return query;
  }

  release(call: Call): void {
    const key = this.#keyOf(call);
    const query = this.#queries.get(key);
    if (query === undefined) return;
    query.watchers -= 1;
    if (query.watchers === 0) this.#queries.delete(key);
  }

  close(): void {
    this.#stopListening();
    this.#sets.clear();
    this.#queries.clear();
    this.#seen = Infinity;
    this.#resume();
  }

  #resume(): void {
    for (const { resume } of this.#waiting.filter(({ version }) => version <= this.#seen)) resume();
    const still = this.#waiting.filter(({ version }) => version > this.#seen);
    this.#waiting.splice(0, this.#waiting.length, ...still);
  }
}

/** Outcomes by the client's ids, all right at `version`. */
export interface Settled<Outcome> {
  readonly version: Version;
  readonly outcomes: ReadonlyMap<number, Outcome>;
}

interface Watched<Call, Outcome> {
  readonly call: Call;
  readonly query: LiveQuery<Outcome>;
}

/**
 * The queries of one client. `settle` brings all of them to outcomes that are right at one and the same commit, so a
 * client never sees half of a transaction. Commits go on while queries run, so that takes another round when one of
 * them has been overtaken.
 */
export class LiveQuerySet<Call, Outcome> {
  readonly #owner: LiveQueries<Call, Outcome>;
  readonly #onStale: () => void;
  readonly #onClose: () => void;
  readonly #watched = new Map<number, Watched<Call, Outcome>>();

  /** Use `LiveQueries.open`. */
  constructor(owner: LiveQueries<Call, Outcome>, onStale: () => void, onClose: () => void) {
    this.#owner = owner;
    this.#onStale = onStale;
    this.#onClose = onClose;
  }

  /** Watches a call under an id; another one under the same id is given up. */
  add(id: number, call: Call): void {
    this.remove(id);
    this.#watched.set(id, { call, query: this.#owner.watch(call) });
  }

  remove(id: number): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    this.#owner.release(watched.call);
  }

  /** Called by the owner with the queries that a commit made stale. */
  committed(stale: ReadonlySet<LiveQuery<Outcome>>): void {
    if (stale.size === 0) return;
    for (const { query } of this.#watched.values()) {
      if (stale.has(query)) return this.#onStale();
    }
  }

  /**
   * Outcomes of all queries that are watched now, at a commit that is `atLeast` or later. Queries added or removed
   * while it runs are not looked at.
   */
  async settle(atLeast: Version): Promise<Settled<Outcome>> {
    await this.#owner.whenSeen(atLeast);
    const watched = [...this.#watched];
    for (;;) {
      await Promise.all(watched.map(([, { query }]) => query.refresh()));
      const settled = this.#settled(watched, atLeast);
      if (settled !== null) return settled;
    }
  }

  close(): void {
    for (const id of this.#watched.keys()) this.remove(id);
    this.#onClose();
  }

  /** The outcomes, when there is a commit at which all of them are right. */
  #settled(
    watched: readonly (readonly [id: number, Watched<Call, Outcome>])[],
    atLeast: Version,
  ): Settled<Outcome> | null {
    const outcomes = new Map<number, Outcome>();
    let from = atLeast;
    let until: Version = Infinity;
    for (const [id, { query }] of watched) {
      if (query.latest === null) return null;
      outcomes.set(id, query.latest.outcome);
      from = Math.max(from, query.latest.version);
      until = Math.min(until, query.staleSince);
    }
    if (from >= until) return null;
    return { version: until === Infinity ? Math.max(from, this.#owner.seen) : from, outcomes };
  }
}
