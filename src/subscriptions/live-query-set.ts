/**
 * The queries of one client. `settle` brings all of them to outcomes that are right at one and the same commit, so a
 * client never sees half of a transaction. Commits go on while queries run, so that takes another round when one of
 * them has been overtaken.
 */
import type { Version } from "../storage/storage.js";
import type { LiveQueries } from "./live-queries.js";
import type { LiveQuery } from "./live-query.js";

/** Outcomes by the client's ids, all right at `version`. */
export interface Settled<Outcome> {
  readonly version: Version;
  readonly outcomes: ReadonlyMap<number, Outcome>;
}

interface Watched<Call, Outcome> {
  readonly call: Call;
  readonly query: LiveQuery<Outcome>;
}

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
    await this.#owner.reached(atLeast);
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
