/**
 * Keeps what was read or written last, decoded, across transactions. An entry remembers since which commit it has been true, and
 * stays true until a later commit writes its key, so it serves every view at or after its commit. What a transaction hands
 * over is here before it has a version: views see it that began after that, as the storage shows it to them.
 *
 * What was written keeps readers of older versions out, by the hash of its key: they may add nothing to its bucket. So may nobody
 * while a write to the bucket is under way, because a view that sees it cannot say since when it has been true.
 *
 * Entries live in two generations. When the young one is full it takes the place of the old one, whose entries are dropped; those
 * that were read meanwhile have moved to the young one and stay.
 */
import type { Version } from "../../storage/storage.js";

/** When a value came to be true. */
export interface Origin {
  /** Infinity until the commit has one. */
  version: Version;
  /** The number that it was handed over as; infinite for what was loaded, or was heard of. */
  readonly order: number;
  isRefused: boolean;
}

/** What a reader sees: all commits up to a version, and what this process handed over up to a number. */
export class View {
  readonly version: Version;
  /** 0 in snapshots, which see nothing that has no version. */
  readonly handedOver: number;
  #origin: Origin | undefined;
  #believed: Set<Origin> | undefined;

  constructor(version: Version, handedOver: number) {
    this.version = version;
    this.handedOver = handedOver;
  }

  /** Of what is loaded through the view. */
  get origin(): Origin {
    return (this.#origin ??= { version: this.version, order: Infinity, isRefused: false });
  }

  /** Whether the view sees what comes from there. Remembers where that is still to be committed. */
  sees(origin: Origin): boolean {
    if (origin.version <= this.version) return true;
    if (origin.order > this.handedOver) return false;
    if (origin.version === Infinity) (this.#believed ??= new Set()).add(origin);
    return true;
  }

  /** What was seen here before it was committed. */
  get believed(): Iterable<Origin> {
    return this.#believed ?? [];
  }
}

interface CacheEntry<V> {
  /** Undefined while it is only known as text. */
  value: V | undefined;
  text: string | undefined;
  origin: Origin;
  readonly sizeBytes: number;
}

interface Generation<V> {
  readonly entries: Map<string, CacheEntry<V>>;
  sizeBytes: number;
}

const buckets = 4096;
/** So many of a key's last chars decide over its bucket: those are the ones that differ. */
const hashed = 12;

export class VersionedCache<V> {
  readonly #capacityBytes: number;
  #young: Generation<V> = newGeneration();
  #old: Generation<V> = newGeneration();
  /** By bucket: the latest version that wrote to it. */
  readonly #written = new Float64Array(buckets);
  /** By bucket: how many writes to it were handed over and have not ended. */
  readonly #underWay = new Uint32Array(buckets);
  /** Readers of older versions may add nothing. */
  #floor: Version = 0;
  /** Views that began before this number was given may have seen what was refused. */
  #refusedAt = 0;

  /** @param capacityBytes An estimate of what the entries may take, by the sizes they are put with. */
  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** The value as the view sees it; undefined when it is not known. @param decode Makes it of its text. */
  find(key: string, view: View, decode: (text: string) => V): V | undefined {
    const entry = this.#find(key);
    if (entry === undefined || !view.sees(entry.origin)) return undefined;
    if (entry.text !== undefined) {
      entry.value = decode(entry.text);
      entry.text = undefined;
    }
    return entry.value;
  }

  /** Adds what a view found in the storage, unless something newer is or was here. */
  load(key: string, value: V, sizeBytes: number, view: View): void {
    const { version, handedOver } = view;
    if (version < this.#floor || (handedOver > 0 && handedOver < this.#refusedAt)) return;
    const bucket = bucketOf(key);
    if (version < (this.#written[bucket] ?? 0) || this.#underWay[bucket] !== 0) return;
    if (this.#find(key) !== undefined) return;
    this.#add(key, { value, text: undefined, origin: view.origin, sizeBytes });
  }

  /**
   * Sets what is handed over, to be followed by `end`. Call it in the order of handing over.
   * @param isKept Whether it is of use here even where the key was not: commits that write much which nobody reads would push
   *   out what is read.
   */
  begin(key: string, value: V, sizeBytes: number, origin: Origin, isKept: boolean): void {
    this.#mark(key);
    if (isKept || this.#young.entries.has(key) || this.#old.entries.has(key)) {
      this.#remove(key);
      this.#add(key, { value, text: undefined, origin, sizeBytes });
    }
  }

  /** The same for what is not known here before it is committed. */
  beginUnknown(key: string): void {
    this.#mark(key);
    this.#remove(key);
  }

  /** The same for a change of what is here. */
  beginSum(key: string, by: (value: V) => V, origin: Origin): void {
    const { value, sizeBytes = 0 } = this.#find(key) ?? {};
    if (value === undefined) this.beginUnknown(key);
    else this.begin(key, by(value), sizeBytes, origin, true);
  }

  /** The same for a change of something that others may change meanwhile. What is here stays as it was before. */
  beginAdding(key: string): void {
    this.#mark(key);
  }

  /** Whether something that was handed over and has not ended may write the key. */
  isUnderWay(key: string): boolean {
    return this.#underWay[bucketOf(key)] !== 0;
  }

  /**
   * Ends one write that was handed over.
   * @param version Of the commit; null when it was refused, which drops what it wrote.
   */
  end(key: string, origin: Origin, version: Version | null): void {
    const bucket = bucketOf(key);
    this.#underWay[bucket] = (this.#underWay[bucket] ?? 1) - 1;
    if (version !== null) this.#raise(bucket, version);
    else if (this.#find(key)?.origin === origin) this.#remove(key);
  }

  /** Views that began before this number was given may add nothing: they may have seen what was refused. */
  distrust(before: number): void {
    this.#refusedAt = before;
  }

  /** Puts what another process wrote in place of what is here. @param next Null when it is not known. */
  replace(
    key: string,
    next: { readonly value: V } | { readonly text: string } | null,
    version: Version,
  ): void {
    this.#raise(bucketOf(key), version);
    const entry = this.#find(key);
    if (entry === undefined) return;
    // What this process handed over may come before or after that.
    if (next === null || entry.origin.version === Infinity) return this.#remove(key);
    entry.origin = { version, order: Infinity, isRefused: false };
    entry.value = "value" in next ? next.value : undefined;
    entry.text = "text" in next ? next.text : undefined;
  }

  /** Changes what is here as a commit of any process did. */
  change(key: string, by: (value: V) => V, version: Version): void {
    const { value } = this.#find(key) ?? {};
    this.replace(key, value === undefined ? null : { value: by(value) }, version);
  }

  /** Drops everything. @param version Readers of older versions may add nothing from now on. */
  clear(version: Version): void {
    this.#young = newGeneration();
    this.#old = newGeneration();
    this.#floor = Math.max(this.#floor, version);
  }

  #mark(key: string): void {
    const bucket = bucketOf(key);
    this.#underWay[bucket] = (this.#underWay[bucket] ?? 0) + 1;
  }

  #raise(bucket: number, version: Version): void {
    if (version > (this.#written[bucket] ?? 0)) this.#written[bucket] = version;
  }

  #find(key: string): CacheEntry<V> | undefined {
    const young = this.#young.entries.get(key);
    if (young !== undefined) return young;
    const old = this.#old.entries.get(key);
    if (old !== undefined) this.#add(key, old);
    return old;
  }

  #remove(key: string): void {
    const young = this.#young.entries.get(key);
    if (young !== undefined) {
      this.#young.sizeBytes -= young.sizeBytes;
      this.#young.entries.delete(key);
    }
    this.#old.entries.delete(key);
  }

  #add(key: string, entry: CacheEntry<V>): void {
    const young = this.#young;
    young.entries.set(key, entry);
    young.sizeBytes += entry.sizeBytes;
    if (young.sizeBytes * 2 <= this.#capacityBytes) return;
    this.#old = young;
    this.#young = newGeneration();
  }
}

function bucketOf(key: string): number {
  let hash = key.length;
  for (let at = Math.max(0, key.length - hashed); at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (buckets - 1);
}

function newGeneration<V>(): Generation<V> {
  return { entries: new Map(), sizeBytes: 0 };
}
