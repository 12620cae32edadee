/**
 * Which queries a commit can touch: an index over their read sets. Keys that were looked up are hashed, and ranges that were
 * scanned lie in a tree, so a commit asks for what it wrote and never goes through all queries.
 */
import type { ReadSet, TouchedKeys } from "../database/index.js";
import { prefixEnd } from "../values/index.js";
import { RangeTree } from "./range-tree.js";

interface Indexed {
  readonly keys: ReadonlySet<string>;
  readonly ranges: ReadSet["ranges"];
}

const nothing: Indexed = { keys: new Set(), ranges: [] };

export class ReadIndex<Owner> {
  readonly #indexed = new Map<Owner, Indexed>();
  readonly #keys = new Map<string, Set<Owner>>();
  readonly #ranges = new RangeTree<Owner>();
  /** Those of whom it is not known what they have read. */
  readonly #anything = new Set<Owner>();

  /**
   * Replaces what an owner has read; null when that is not known, so that every commit touches it.
   * O(keys + ranges, and log n for each range that came or went).
   */
  set(owner: Owner, readSet: ReadSet | null): void {
    const before = this.#indexed.get(owner) ?? nothing;
    const after = readSet === null ? nothing : { keys: readSet.keys, ranges: readSet.ranges };
    this.#indexed.set(owner, after);
    if (readSet === null) this.#anything.add(owner);
    else this.#anything.delete(owner);
    this.#replace(owner, before, after);
  }

  delete(owner: Owner): void {
    this.#replace(owner, this.#indexed.get(owner) ?? nothing, nothing);
    this.#indexed.delete(owner);
    this.#anything.delete(owner);
  }

  /** Calls back with each owner that the commit may have changed something for, some of them more than once. */
  touchedBy(commit: TouchedKeys, visit: (owner: Owner) => void): void {
    if (this.#indexed.size === 0) return;
    this.#anything.forEach(visit);
    for (const key of commit.touchedKeys) {
      this.#keys.get(key)?.forEach(visit);
      this.#ranges.overlapping(key, `${key}\0`, visit);
    }
    for (const prefix of commit.touchedPrefixes) {
      for (const [key, owners] of this.#keys) if (key.startsWith(prefix)) owners.forEach(visit);
      this.#ranges.overlapping(prefix, prefixEnd(prefix), visit);
    }
  }

  #replace(owner: Owner, before: Indexed, after: Indexed): void {
    for (const key of before.keys) if (!after.keys.has(key)) this.#deleteKey(key, owner);
    for (const key of after.keys) if (!before.keys.has(key)) this.#addKey(key, owner);
    const [old, now] = [endsByStart(before), endsByStart(after)];
    for (const [start, end] of old) if (now.get(start) !== end) this.#ranges.delete(start, end, owner);
    for (const [start, end] of now) if (old.get(start) !== end) this.#ranges.add(start, end, owner);
  }

  #addKey(key: string, owner: Owner): void {
    const owners = this.#keys.get(key);
    if (owners === undefined) this.#keys.set(key, new Set([owner]));
    else owners.add(owner);
  }

  #deleteKey(key: string, owner: Owner): void {
    const owners = this.#keys.get(key);
    if (owners === undefined) return;
    owners.delete(owner);
    if (owners.size === 0) this.#keys.delete(key);
  }
}

/** The ranges of a read set are merged, so each begins elsewhere. */
function endsByStart({ ranges }: Indexed): Map<string, string> {
  return new Map(ranges.map(({ start, end }) => [start, end]));
}
