/**
 * What transactions of one opening of a shared storage have handed over and the feed has not brought yet. Later transactions
 * see it, so that what is hot need not wait for the database between two of them; who has read of a request that is refused is
 * refused with it. Whether a transaction read what it saw, or was overtaken by something that it did not see, is decided here,
 * from its read set, as far as this opening has heard. How requests reach the database is the business of the storage.
 */
import { isEmpty, stampedWrites, stampOf } from "../commit-request.js";
import type { Commit, CommitRequest, Entry, KeyRange, ScanOptions, Version } from "../storage.js";
import { HeardCommits, type View, changesOf, readOf } from "./heard-commits.js";
import { type BaseReader, Overlay, stampedKeys } from "./overlay.js";
import { conflict, PendingRequest } from "./pending-request.js";

/** What one transaction sees and has to do with, from its begin to its end. */
export interface Seen extends View {
  /** What was refused after it could have been read. */
  readonly lost: PendingRequest[];
}

export class PendingRequests {
  readonly #heard = new HeardCommits();
  readonly #overlay = new Overlay();
  /** In the order of begin, so the first one sees the oldest version. */
  readonly #active = new Set<Seen>();
  /** Not answered, in the order of hand-over. */
  readonly #open = new Set<PendingRequest>();
  /** Not taken yet. */
  #waiting: PendingRequest[] = [];
  /** Committed; some who began before that still see them only here. */
  #brought: PendingRequest[] = [];
  #place = 0;
  #version: Version;

  /** @param version Up to where the opening has heard. */
  constructor(version: Version) {
    this.#version = version;
  }

  get version(): Version {
    return this.#version;
  }

  /** Whether anything waits to be taken. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Begins a transaction. Each one is ended once. */
  begin(): Seen {
    const seen: Seen = { version: this.#version, place: this.#place, lost: [] };
    this.#active.add(seen);
    return seen;
  }

  end(seen: Seen): void {
    this.#active.delete(seen);
    this.#forget();
  }

  getMany(seen: Seen, keys: readonly string[], base: BaseReader): Promise<(string | undefined)[]> {
    return this.#overlay.getMany(seen, keys, base);
  }

  scan(seen: Seen, range: KeyRange, options: ScanOptions | undefined, base: BaseReader): Promise<Entry[]> {
    return this.#overlay.scan(seen, range, options, base);
  }

  /**
   * Takes what a transaction hands over; it is ended by that. Resolves when it is committed and all listeners have heard of it.
   * @throws STORAGE_CONFLICT at once when it read what was overtaken, or refused, as far as is known here.
   */
  async handOver(seen: Seen, request: CommitRequest): Promise<Version> {
    if (isEmpty(request)) return await this.#confirm(seen, request);
    try {
      this.#assertValid(seen, request);
      const place = ++this.#place;
      const dependsOn = this.#readFrom(seen, request);
      const pending = new PendingRequest(place, request, { view: seen, dependsOn, validUpTo: this.#version });
      this.#open.add(pending);
      this.#waiting.push(pending);
      this.#overlay.add(pending);
      return await pending.answer;
    } finally {
      this.end(seen);
    }
  }

  /** The next requests to be committed together, in their order, none of them overtaken as far as is known here. */
  take(mostRequests: number, mostBytes: number): readonly PendingRequest[] {
    const taken: PendingRequest[] = [];
    let sizeBytes = 0;
    const written = new Set<string>();
    const added = new Set<string>();
    while (taken.length < mostRequests) {
      const next = this.#waiting[0];
      if (next === undefined || (taken.length > 0 && sizeBytes + next.sizeBytes > mostBytes)) break;
      if (next.isRefused) {
        this.#waiting.shift();
        continue;
      }
      const { writes, adds = [], reads } = next.request;
      // A sum of what the batch itself writes would depend on the order within it.
      if (writes.some(([key]) => added.has(key)) || adds.some(([key]) => written.has(key))) break;
      this.#waiting.shift();
      const overtaken = this.#heard.overtaken(reads, { version: next.validUpTo, place: next.view.place });
      if (overtaken.length > 0) {
        this.#refuse(next, conflict(overtaken, true));
        continue;
      }
      next.validUpTo = this.#version;
      for (const [key] of writes) written.add(key);
      for (const [key] of adds) added.add(key);
      sizeBytes += next.sizeBytes;
      taken.push(next);
    }
    return taken;
  }

  /**
   * Hears of commits of others, in their order. What is announced of them, the storage tells its listeners.
   */
  hear(commit: Commit): void {
    this.#version = commit.version;
    this.#heard.add(commit.version, changesOf(commit.writes, commit.adds, commit.touched()));
    this.#forget();
  }

  /** A request is committed, at this version. What is to be announced of it; afterwards it is to be acknowledged. */
  commit(pending: PendingRequest, version: Version): Commit {
    pending.commit(version);
    this.#overlay.stamp(pending);
    this.#open.delete(pending);
    this.#brought.push(pending);
    const { request, touched } = pending;
    const writes = stampedWrites(request, () => stampOf(version));
    const { adds = [] } = request;
    this.#version = version;
    this.#heard.add(version, changesOf(writes, adds, touched), pending.place);
    return { version, isOwn: true, writes, adds, touched: () => touched };
  }

  /** The database found these overtaken, or what they depend on. */
  refuse(requests: readonly PendingRequest[]): void {
    for (const pending of requests) {
      if (pending.isSettled) continue;
      const keys = this.#heard.overtaken(pending.request.reads, pending.view);
      this.#refuse(pending, conflict(keys, keys.length === 0));
    }
  }

  /** These could not be committed, or nobody knows whether they were. */
  fail(requests: readonly PendingRequest[], error: unknown): void {
    for (const pending of requests) if (!pending.isSettled) this.#refuse(pending, error);
  }

  /** Ends all that is not committed with an error. */
  failAll(error: unknown): void {
    this.fail([...this.#open], error);
    this.#waiting = [];
  }

  /**
   * Nothing is written: whether all that was read was true at once, and when. That is the version that the transaction began at,
   * or where it saw more than that, the one of the last request of which it read.
   */
  async #confirm(seen: Seen, request: CommitRequest): Promise<Version> {
    try {
      for (const pending of this.#readFrom(seen, request)) await pending.whenSettled;
      const lost = seen.lost.flatMap(({ changes }) => readOf(changes, request.reads));
      if (lost.length > 0) throw conflict(lost, true);
      const version = this.#heard.lastSeen(request.reads, seen);
      if (version === undefined) return seen.version;
      const overtaken = this.#heard.overtaken(request.reads, seen, version);
      if (overtaken.length > 0) throw conflict(overtaken, true);
      return version;
    } finally {
      this.end(seen);
    }
  }

  #assertValid(seen: Seen, { reads }: CommitRequest): void {
    const lost = seen.lost.flatMap(({ changes }) => readOf(changes, reads));
    if (lost.length > 0) throw conflict(lost, true);
    for (const pending of this.#open) {
      if (pending.place <= seen.place) continue;
      const unseen = readOf(withStamps(pending), reads);
      if (unseen.length > 0) throw conflict(unseen, true);
    }
    const overtaken = this.#heard.overtaken(reads, seen);
    if (overtaken.length > 0) throw conflict(overtaken, true);
  }

  /** The open requests that the transaction saw and read of. */
  #readFrom(seen: Seen, { reads }: CommitRequest): PendingRequest[] {
    return [...this.#open].filter(
      (pending) => pending.place <= seen.place && readOf(withStamps(pending), reads).length > 0,
    );
  }

  #refuse(pending: PendingRequest, error: unknown): void {
    this.#open.delete(pending);
    this.#overlay.remove(pending);
    for (const seen of this.#active) if (seen.place >= pending.place) seen.lost.push(pending);
    pending.refuse(error);
    for (const other of this.#open) {
      if (other.dependsOn.includes(pending)) {
        this.#refuse(other, conflict(readOf(pending.changes, other.request.reads), true));
      }
    }
  }

  /** What every transaction that is under way has seen is of no more use. */
  #forget(): void {
    let oldest: Version = this.#version;
    for (const seen of this.#active) {
      oldest = seen.version;
      break;
    }
    this.#heard.forgetUpTo(oldest);
    let count = 0;
    while ((this.#brought[count]?.version ?? Infinity) <= oldest) count++;
    for (const pending of this.#brought.splice(0, count)) this.#overlay.remove(pending);
  }
}

/** Where its timestamp is part of a key, everything that the key may become. */
function withStamps(pending: PendingRequest): PendingRequest["changes"] {
  const prefixes = stampedKeys(pending).filter(({ isPrefix }) => isPrefix);
  if (prefixes.length === 0) return pending.changes;
  const { changes } = pending;
  return { keys: changes.keys, prefixes: [...changes.prefixes, ...prefixes.map(({ key }) => key)] };
}
