/**
 * The queries of one client. `settle` brings all of them to outcomes that are right at one and the same commit, so a client never
 * sees half of a transaction: what is not known to be right is run in one snapshot. Only what may have changed is looked at,
 * because every other query has an outcome that the client knows, and that is right at every commit heard of.
 */
import type { StorageSnapshot, Version } from "../storage/storage.js";
import type { LiveQueries } from "./live-queries.js";
import type { LiveQuery, QueryRun, Watcher } from "./live-query.js";
import type { Round } from "./round.js";

/** What has changed for a client, by its ids for the queries. All that it watches is right at `version`. */
export interface Settled<Outcome> {
  readonly version: Version;
  readonly changes: readonly (readonly [id: number, outcome: Outcome])[];
}

/** A query as one client watches it. */
class Watched<Call, Outcome> implements Watcher {
  readonly id: number;
  readonly query: LiveQuery<Call, Outcome>;
  /** Rises with each query that the client adds. */
  readonly number: number;
  /** What the client was told last. */
  known: Outcome | undefined;
  readonly #set: LiveQuerySet<Call, Outcome>;

  constructor(
    set: LiveQuerySet<Call, Outcome>,
    query: LiveQuery<Call, Outcome>,
    place: { readonly id: number; readonly number: number },
  ) {
    this.#set = set;
    this.query = query;
    this.id = place.id;
    this.number = place.number;
  }

  outdated(): void {
    this.#set.lookAgain(this);
  }
}

export class LiveQuerySet<Call, Outcome> {
  readonly #owner: LiveQueries<Call, Outcome>;
  readonly #onStale: () => void;
  readonly #watched = new Map<number, Watched<Call, Outcome>>();
  /** Those that may have an outcome which the client does not know. */
  readonly #changed = new Set<Watched<Call, Outcome>>();
  #lastNumber = 0;
  #chars = 0;
  /** Whether `onStale` is about to be called. */
  #isDue = false;

  /** @param onStale Called when one of the queries may have another outcome, or after `tellSoon`. */
  constructor(owner: LiveQueries<Call, Outcome>, onStale: () => void) {
    this.#owner = owner;
    this.#onStale = onStale;
  }

  /** How many calls are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** How long the names of the watched calls are, arguments included. */
  get chars(): number {
    return this.#chars;
  }

  /** Watches a call under an id; another one under the same id is given up. */
  add(id: number, call: Call): void {
    this.remove(id);
    const watched = new Watched(this, this.#owner.query(call), { id, number: ++this.#lastNumber });
    watched.query.watchers.add(watched);
    this.#watched.set(id, watched);
    this.#changed.add(watched);
    this.#chars += watched.query.key.length;
  }

  remove(id: number): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    this.#chars -= watched.query.key.length;
    this.#changed.delete(watched);
    watched.query.watchers.delete(watched);
    this.#owner.forgetUnwatched(watched.query);
  }

  /** Watches the same queries by other calls, such as those of another caller. */
  replaceCalls(replace: (call: Call) => Call): void {
    for (const { id, query } of [...this.#watched.values()]) this.add(id, replace(query.call));
  }

  /** Notes that a query may have another outcome than the client knows. */
  lookAgain(watched: Watched<Call, Outcome>): void {
    this.#changed.add(watched);
    this.tellSoon();
  }

  /** Has `onStale` called when it is this client's turn, once for all who ask until then. */
  tellSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#owner.turns.add(this.#tell);
  }

  /**
   * Brings all queries that are watched now to one commit, `atLeast` or later, and takes for granted that the client gets to know
   * what has changed. Queries added or removed while it runs are not looked at. Where it fails, the next one looks at the same.
   * @throws BACKEND_CLOSED, and what the storage throws
   */
  async settle(atLeast: Version): Promise<Settled<Outcome>> {
    const last = this.#lastNumber;
    const hearing = this.#owner.whenSeen(atLeast);
    if (hearing !== undefined) await hearing;
    let version = this.#owner.seen;
    const taken = new Set<Watched<Call, Outcome>>();
    this.#take(last, taken);
    let runs = known(taken, version);
    while (runs === null) {
      const round = this.#owner.hold();
      try {
        const opening = round.snapshot;
        const snapshot = opening instanceof Promise ? await opening : opening;
        version = snapshot.version;
        const waiting = this.#owner.whenSeen(version);
        if (waiting !== undefined) await waiting;
        this.#take(last, taken);
        runs = await this.#run(taken, round, snapshot);
      } catch (error) {
        this.#giveBack(taken);
        throw error;
      } finally {
        round.release();
      }
    }
    return { version, changes: this.#changes(taken, runs) };
  }

  /** The outcomes in a round; null when one of them is of a later commit. */
  async #run(
    taken: ReadonlySet<Watched<Call, Outcome>>,
    round: Round,
    snapshot: StorageSnapshot,
  ): Promise<QueryRun<Outcome>[] | null> {
    const running = Array.from(taken, ({ query }) => this.#owner.runIn(round, snapshot, query));
    const runs: QueryRun<Outcome>[] = [];
    for (const run of running) {
      const ended = run instanceof Promise ? await run : run;
      if (ended.version > snapshot.version) {
        await this.#owner.whenSeen(ended.version);
        return null;
      }
      runs.push(ended);
    }
    await this.#owner.turns.next();
    return runs;
  }

  close(): void {
    for (const id of [...this.#watched.keys()]) this.remove(id);
  }

  /** Takes what may have changed, of the queries up to a number. */
  #take(last: number, taken: Set<Watched<Call, Outcome>>): void {
    for (const watched of this.#changed) {
      if (watched.number > last) continue;
      taken.add(watched);
      this.#changed.delete(watched);
    }
  }

  /** The client was not told of them. */
  #giveBack(taken: ReadonlySet<Watched<Call, Outcome>>): void {
    for (const watched of taken) {
      if (this.#watched.get(watched.id) === watched) this.#changed.add(watched);
    }
  }

  #changes(
    taken: ReadonlySet<Watched<Call, Outcome>>,
    runs: readonly QueryRun<Outcome>[],
  ): [id: number, outcome: Outcome][] {
    const changes: [id: number, outcome: Outcome][] = [];
    let at = 0;
    for (const watched of taken) {
      const outcome = runs[at++]?.outcome;
      if (outcome === undefined || this.#watched.get(watched.id) !== watched) continue;
      if (watched.known !== outcome) changes.push([watched.id, outcome]);
      watched.known = outcome;
      // It may have been outdated meanwhile, or run in a later snapshot for others.
      if (!watched.query.isCurrent(outcome)) this.lookAgain(watched);
    }
    return changes;
  }

  readonly #tell = (): void => {
    this.#isDue = false;
    this.#onStale();
  };
}

/** The outcomes at a commit, when all of them are known. */
function known<Call, Outcome>(
  taken: ReadonlySet<Watched<Call, Outcome>>,
  version: Version,
): QueryRun<Outcome>[] | null {
  const runs: QueryRun<Outcome>[] = [];
  for (const { query } of taken) {
    const run = query.at(version);
    if (run === undefined) return null;
    runs.push(run);
  }
  return runs;
}
