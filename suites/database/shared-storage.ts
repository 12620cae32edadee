/**
 * A storage that several openings share, for tests: all versions in memory, commits validated against what they read, and a feed
 * that comes late, later here than there. Chance comes from a seed.
 */
import { TrueupError } from "../../src/errors/index.js";
import {
  isEmpty,
  plainWrites,
  stampedWrites,
  stampOf,
  sumOf,
  touchesNothing,
} from "../../src/storage/commit-request.js";
import { keyToHex } from "../../src/values/index.js";
import type {
  Commit,
  CommitRequest,
  Entry,
  KeyRange,
  Reads,
  ScanOptions,
  Storage,
  StorageReader,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../../src/storage/storage.js";
import { seededRandom } from "../setup/random.js";

interface Logged {
  readonly version: Version;
  readonly keys: readonly string[];
  readonly commit: Omit<Commit, "isOwn">;
  readonly pending: Pending;
}

interface Pending {
  readonly owner: Opening;
  readonly request: CommitRequest;
  readonly begunAt: Version;
  readonly seen: readonly Pending[];
  outcome: Version | TrueupError | undefined;
  readonly settle: (outcome: Version | TrueupError) => void;
}

export class SharedDisk {
  readonly random: () => number;
  readonly #maxTurns: number;
  readonly #versions = new Map<string, [version: Version, value: string | undefined][]>();
  readonly log: Logged[] = [];
  readonly openings = new Set<Opening>();
  /** What is left out of a commit's check, to see that tests notice. */
  ignores: (key: string) => boolean = () => false;
  version: Version = 0;
  readonly nowMs = 1_800_000_000_000;
  calls = 0;

  constructor(seed: number, maxTurns = 4) {
    this.random = seededRandom(seed);
    this.#maxTurns = maxTurns;
  }

  readonly open = (): Promise<Opening> => {
    const opening = new Opening(this);
    this.openings.add(opening);
    return Promise.resolve(opening);
  };

  async later(): Promise<void> {
    this.calls += 1;
    const turns = 1 + Math.floor(this.random() * this.#maxTurns);
    for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  valueAt(key: string, version: Version): string | undefined {
    return this.#versions.get(key)?.findLast(([since]) => since <= version)?.[1];
  }

  keys(): string[] {
    return [...this.#versions.keys()];
  }

  /** Which read was overtaken, if one was. */
  overtaken({ request, begunAt, seen }: Pending): readonly string[] {
    const failed = seen.filter(({ outcome }) => outcome instanceof TrueupError);
    const since = this.log.filter((one) => one.version > begunAt && !seen.includes(one.pending));
    const keys = [...failed.flatMap(({ request }) => keysOf(request)), ...since.flatMap(({ keys }) => keys)];
    return keys.filter((key) => reads(request.reads, key) && !this.ignores(key));
  }

  commit(pending: Pending): void {
    const keys = this.overtaken(pending);
    if (keys.length > 0) {
      pending.outcome = conflictOn(keys, false);
      return;
    }
    if (isEmpty(pending.request)) {
      const versions = pending.seen.map(({ outcome }) => (typeof outcome === "number" ? outcome : 0));
      return this.#settle(pending, Math.max(pending.begunAt, ...versions));
    }
    const version = Math.max(this.version + 1, Math.floor(this.nowMs * 1000));
    const { adds = [], touched = touchesNothing } = pending.request;
    const writes = stampedWrites(pending.request, () => stampOf(version));
    for (const [key, value] of plainWrites(writes, adds, (key) => this.valueAt(key, this.version))) {
      const versions = this.#versions.get(key);
      if (versions === undefined) this.#versions.set(key, [[version, value]]);
      else versions.push([version, value]);
    }
    this.version = version;
    const told = touched();
    const keysWritten = [...writes, ...adds].map(([key]) => key).concat(told.keys);
    this.log.push({
      version,
      keys: keysWritten,
      commit: { version, writes, adds, touched: () => told },
      pending,
    });
    pending.outcome = version;
    for (const opening of this.openings) void opening.follow();
  }

  #settle(pending: Pending, version: Version): void {
    pending.outcome = version;
    pending.settle(version);
  }
}

function keysOf({ writes, adds = [], touched = touchesNothing }: CommitRequest): string[] {
  return [...writes, ...adds].map(([key]) => key).concat(touched().keys);
}

function reads(of: Reads | undefined, key: string): boolean {
  if (of === undefined) return false;
  return of.keys.has(key) || of.ranges.some(({ start, end }) => start <= key && key < end);
}

function conflictOn(keys: readonly string[], isLocal: boolean): TrueupError {
  return new TrueupError("STORAGE_CONFLICT", undefined, { keys: keys.map(keyToHex), isLocal });
}

class Opening implements Storage {
  readonly capabilities = { serialTransactions: false, persistent: true, shared: true };
  readonly #disk: SharedDisk;
  readonly #listeners = new Set<(commit: Commit) => void>();
  #at = 0;
  #pending: Pending[] = [];
  #sending: Promise<void> = Promise.resolve();
  #following: Promise<void> = Promise.resolve();
  version: Version;
  isClosed = false;

  constructor(disk: SharedDisk) {
    this.#disk = disk;
    this.version = disk.version;
    this.#at = disk.log.length;
  }

  async latest(): Promise<Version> {
    await this.#disk.later();
    return this.#disk.version;
  }

  async reached(version: Version): Promise<void> {
    while (this.version < Math.min(version, this.#disk.version)) await this.#disk.later();
  }

  nowMs(): number {
    return Math.max(this.#disk.nowMs, this.version / 1000);
  }

  snapshot(): StorageSnapshot {
    return { ...this.#reader(this.version, []), release: () => {} };
  }

  async begin(): Promise<StorageTransaction> {
    this.#assertOpen();
    const begunAt = this.version;
    const seen = [...this.#pending];
    return {
      ...this.#reader(begunAt, seen),
      rollback: () => {},
      commit: (request) => this.#commit(request, begunAt, seen),
    };
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#sending;
    this.isClosed = true;
    this.#disk.openings.delete(this);
  }

  /** Tells of what was committed, a commit at a time. */
  follow(): Promise<void> {
    this.#following = this.#following.then(async () => {
      await this.#disk.later();
      const next = this.#disk.log[this.#at];
      if (next === undefined || this.isClosed) return;
      this.#at += 1;
      const isOwn = next.pending.owner === this;
      if (isOwn) this.#pending = this.#pending.filter((pending) => pending !== next.pending);
      for (const listener of this.#listeners) listener({ ...next.commit, isOwn });
      this.version = next.version;
      if (isOwn) next.pending.settle(next.version);
    });
    return this.#following;
  }

  #commit(request: CommitRequest, begunAt: Version, seen: readonly Pending[]): Promise<Version> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: Version | TrueupError): void => {
        if (typeof outcome === "number") resolve(outcome);
        else reject(outcome);
      };
      const pending: Pending = { owner: this, request, begunAt, seen, outcome: undefined, settle };
      const unseen = this.#pending.filter((one) => !seen.includes(one)).flatMap((one) => keysOf(one.request));
      const overtaken = unseen.filter((key) => reads(request.reads, key) && !this.#disk.ignores(key));
      if (overtaken.length > 0) return settle(conflictOn(overtaken, true));
      if (!isEmpty(request)) this.#pending.push(pending);
      this.#sending = this.#sending.then(async () => {
        await this.#disk.later();
        this.#disk.commit(pending);
        if (pending.outcome instanceof TrueupError) {
          await this.reached(this.#disk.version);
          this.#pending = this.#pending.filter((one) => one !== pending);
          pending.settle(pending.outcome);
        }
      });
    });
  }

  #reader(version: Version, seen: readonly Pending[]): StorageReader {
    const get = async (key: string): Promise<string | undefined> => {
      await this.#disk.later();
      this.#assertOpen();
      return await this.#value(key, version, seen);
    };
    return {
      version,
      get,
      getMany: (keys) => Promise.all(keys.map(get)),
      scan: async ({ start, end }: KeyRange, options: ScanOptions = {}): Promise<Entry[]> => {
        await this.#disk.later();
        this.#assertOpen();
        for (const one of seen) if ((one.request.stamps ?? []).length > 0) await this.#answered(one);
        const known = new Set([
          ...this.#disk.keys(),
          ...seen.flatMap(({ request }) => request.writes.map(([key]) => key)),
        ]);
        const keys = [...known].filter((key) => start <= key && (end === undefined || key < end)).sort();
        if (options.reverse === true) keys.reverse();
        const entries: Entry[] = [];
        for (const key of keys) {
          if (entries.length === options.limit) break;
          const value = await this.#value(key, version, seen);
          if (value !== undefined) entries.push([key, value]);
        }
        return entries;
      },
    };
  }

  async #value(key: string, version: Version, seen: readonly Pending[]): Promise<string | undefined> {
    let value = this.#disk.valueAt(key, version);
    for (const one of seen) {
      if (one.outcome instanceof TrueupError) continue;
      const { request } = one;
      if ((request.stamps ?? []).length > 0) await this.#answered(one);
      const writes = stampedWrites(request, () => stampOf(typeof one.outcome === "number" ? one.outcome : 0));
      const write = writes.findLast(([written]) => written === key);
      if (write !== undefined) value = write[1];
      for (const [added, by] of request.adds ?? []) if (added === key) value = sumOf(value, by);
    }
    return value;
  }

  async #answered(pending: Pending): Promise<void> {
    while (pending.outcome === undefined) await this.#disk.later();
  }

  #assertOpen(): void {
    if (this.isClosed) throw new TrueupError("STORAGE_CLOSED");
  }
}
