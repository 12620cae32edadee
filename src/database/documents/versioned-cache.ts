/**
 * Keeps what was read or written last, decoded, across transactions. An entry remembers since which commit it has been true,
 * and stays true until a later commit writes its key, so it serves every snapshot at or after its commit. What was
 * overwritten or dropped leaves a floor: readers of older versions may add nothing.
 *
 * On a storage that runs transactions one after another within this process (exclusive), a transaction
 * hands its writes to the cache when it hands them to the storage, before they are durable: the next
 * transaction sees both or, after a failure, neither. On any other storage only snapshots use the cache.
 *
 * Entries live in two generations. When the young one is full it takes the place of the old one, whose entries are dropped; those
 * that were read meanwhile have moved to the young one and stay.
 */
import type { Version } from "../../storage/storage.js";

/** When a value came to be true. `version` is Infinity until the commit has one. */
export interface Origin {
  version: Version;
}

interface CacheEntry<V> {
  readonly value: V;
  readonly origin: Origin;
  readonly sizeBytes: number;
}

interface Generation<V> {
  readonly entries: Map<string, CacheEntry<V>>;
  sizeBytes: number;
  /** The greatest version among loaded entries. */
  loadedUpTo: Version;
  /** The origin of the last commit that wrote here; commits come in order, so it is the greatest. */
  written: Origin;
}

export class VersionedCache<V> {
  readonly #capacityBytes: number;
  #young: Generation<V> = newGeneration();
  #old: Generation<V> = newGeneration();
  #floor: Version = 0;
  #floorOrigin: Origin = beginning;
  /** The origin of the last commit that wrote something which is not here: readers of older versions may add nothing. */
  #rewritten: Origin = beginning;

  /** @param capacityBytes An estimate of what the entries may take, by the sizes they are put with. */
  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** The latest value handed over, for transactions of an exclusive storage. */
  latest(key: string): V | undefined {
    return this.#find(key)?.value;
  }

  /** The value as of a snapshot. */
  at(key: string, version: Version): V | undefined {
    const entry = this.#find(key);
    return entry === undefined || entry.origin.version > version ? undefined : entry.value;
  }

  /** Adds what a reader at `origin` found, unless something newer is or was here. */
  load(key: string, value: V, sizeBytes: number, origin: Origin): void {
    const { version } = origin;
    if (version < this.#floor || version < this.#floorOrigin.version) return;
    if (version < this.#rewritten.version) return;
    if (this.#find(key) !== undefined) return;
    this.#young.loadedUpTo = Math.max(this.#young.loadedUpTo, version);
    this.#add(key, { value, origin, sizeBytes });
  }

  /** Sets what a commit wrote. Call it in the order of commits. */
  write(key: string, value: V, sizeBytes: number, origin: Origin): void {
    const before = this.#young.entries.get(key);
    if (before !== undefined) this.#young.sizeBytes -= before.sizeBytes;
    this.#young.written = origin;
    this.#add(key, { value, origin, sizeBytes });
  }

  /**
   * Sets what a commit wrote, but only where the cache has the key already. For commits that write much which nobody
   * reads: it would push out what is read.
   */
  rewrite(key: string, value: V, sizeBytes: number, origin: Origin): void {
    if (this.#young.entries.has(key) || this.#old.entries.has(key)) this.write(key, value, sizeBytes, origin);
    else this.#rewritten = origin;
  }

  /** Drops what a commit of another process wrote. */
  forget(key: string, version: Version): void {
    this.#floor = Math.max(this.#floor, version);
    this.#remove(key);
  }

  /** Drops what a commit wrote that is not known here. */
  drop(key: string, origin: Origin): void {
    this.#rewritten = origin;
    this.#remove(key);
  }

  #remove(key: string): void {
    const young = this.#young.entries.get(key);
    if (young !== undefined) {
      this.#young.sizeBytes -= young.sizeBytes;
      this.#young.entries.delete(key);
    }
    this.#old.entries.delete(key);
  }

  /** Drops everything, after a failure that leaves unclear what is true. */
  clear(): void {
    this.#young = newGeneration();
    this.#old = newGeneration();
    this.#floor = Infinity;
    this.#floorOrigin = beginning;
    this.#rewritten = beginning;
  }

  /** After `clear`: everything handed over up to now is visible at this version. */
  raiseFloor(version: Version): void {
    if (this.#floor === Infinity) this.#floor = version;
  }

  #find(key: string): CacheEntry<V> | undefined {
    const young = this.#young.entries.get(key);
    if (young !== undefined) return young;
    const old = this.#old.entries.get(key);
    if (old === undefined) return undefined;
    this.#young.loadedUpTo = Math.max(this.#young.loadedUpTo, this.#old.loadedUpTo);
    if (this.#young.written === beginning) this.#young.written = this.#old.written;
    this.#add(key, old);
    return old;
  }

  #add(key: string, entry: CacheEntry<V>): void {
    const young = this.#young;
    young.entries.set(key, entry);
    young.sizeBytes += entry.sizeBytes;
    if (young.sizeBytes * 2 <= this.#capacityBytes) return;
    this.#floor = Math.max(this.#floor, this.#old.loadedUpTo);
    if (this.#old.written !== beginning) this.#floorOrigin = this.#old.written;
    this.#old = young;
    this.#young = newGeneration();
  }
}

const beginning: Origin = { version: 0 };

function newGeneration<V>(): Generation<V> {
  return { entries: new Map(), sizeBytes: 0, loadedUpTo: 0, written: beginning };
}
