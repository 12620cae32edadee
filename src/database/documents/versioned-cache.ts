/**
 * What was read or written last, decoded, across transactions. An entry remembers the commit it is known to
 * be true from and stays true until a later commit writes its key, so it serves every snapshot at or after
 * that commit; whatever was overwritten or forgotten leaves a floor below which nothing may be added again.
 *
 * On a storage that runs transactions one after another within this process (exclusive), a transaction
 * hands its writes to the cache when it hands them to the storage, before they are durable: the next
 * transaction sees both or, after a failure, neither. On any other storage only snapshots use the cache.
 */
import type { Version } from "../../storage/storage.js";

/** When a value came to be true. `version` is Infinity until the commit has one. */
export interface Origin {
  version: Version;
}

interface CacheEntry<V> {
  value: V;
  origin: Origin;
  sizeBytes: number;
  /** Read since the last sweep: it is spared once. */
  wasUsed: boolean;
}

export class VersionedCache<V> {
  readonly #entries = new Map<string, CacheEntry<V>>();
  readonly #capacityBytes: number;
  #sizeBytes = 0;
  #floor: Version = 0;

  /** @param capacityBytes An estimate of what the entries may take, by the sizes they are put with. */
  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** The latest value handed over, for transactions of an exclusive storage. */
  latest(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.wasUsed = true;
    return entry.value;
  }

  /** The value as of a snapshot. */
  at(key: string, version: Version): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.origin.version > version) return undefined;
    entry.wasUsed = true;
    return entry.value;
  }

  /** Adds what a reader at `origin` found, unless something newer is or was here. */
  load(key: string, value: V, sizeBytes: number, origin: Origin): void {
    if (origin.version < this.#floor || this.#entries.has(key)) return;
    this.#add(key, { value, origin, sizeBytes, wasUsed: false });
  }

  /** Sets what a commit wrote. */
  write(key: string, value: V, sizeBytes: number, origin: Origin): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#sizeBytes += sizeBytes - entry.sizeBytes;
      entry.value = value;
      entry.origin = origin;
      entry.sizeBytes = sizeBytes;
      return;
    }
    this.#add(key, { value, origin, sizeBytes, wasUsed: false });
  }

  /** Drops what a commit of another process wrote. */
  forget(key: string, version: Version): void {
    this.#floor = Math.max(this.#floor, version);
    this.#remove(key);
  }

  /** Drops everything, after a failure that leaves unclear what is true. */
  clear(): void {
    this.#entries.clear();
    this.#sizeBytes = 0;
    this.#floor = Infinity;
  }

  /** After `clear`: everything handed over up to now is visible at this version. */
  raiseFloor(version: Version): void {
    if (this.#floor === Infinity) this.#floor = version;
  }

  #add(key: string, entry: CacheEntry<V>): void {
    this.#entries.set(key, entry);
    this.#sizeBytes += entry.sizeBytes;
    if (this.#sizeBytes > this.#capacityBytes) this.#evict();
  }

  /** The second chance algorithm: what was used since the last round is put to the back of the queue. */
  #evict(): void {
    let rounds = this.#entries.size * 2;
    for (const [key, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#capacityBytes || rounds-- === 0) return;
      this.#entries.delete(key);
      if (entry.wasUsed || entry.origin.version === Infinity) {
        entry.wasUsed = false;
        this.#entries.set(key, entry);
      } else {
        this.#sizeBytes -= entry.sizeBytes;
        this.#floor = Math.max(this.#floor, entry.origin.version);
      }
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#sizeBytes -= entry.sizeBytes;
  }
}
