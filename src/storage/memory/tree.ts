/**
 * The ordered map beneath the memory storage, and reads of one state of it. Clones of a tree share what neither side has changed
 * since.
 */
import { emptyKeyTree, type KeyTree } from "../key-tree.js";
import {
  assertLimit,
  type Entry,
  type KeyRange,
  type ScanOptions,
  type StorageReader,
  type Version,
} from "../storage.js";

/** Keys and values in key order; `clone` is O(1) and makes later writes copy the nodes they touch. */
export type Tree = KeyTree<string>;

export function emptyTree(): Tree {
  return emptyKeyTree();
}

export class TreeReader implements StorageReader {
  readonly version: Version;
  readonly #tree: Tree;
  readonly #assertReadable: () => void;

  /** @param assertReadable Throws when this reader may not be used any more. */
  constructor(tree: Tree, version: Version, assertReadable: () => void) {
    this.#tree = tree;
    this.version = version;
    this.#assertReadable = assertReadable;
  }

  get(key: string): string | undefined {
    this.#assertReadable();
    return this.#tree.get(key);
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    this.#assertReadable();
    return keys.map((key) => this.#tree.get(key));
  }

  scan(range: KeyRange, options: ScanOptions = {}): Entry[] {
    this.#assertReadable();
    assertLimit(options.limit);
    const limit = options.limit ?? Infinity;
    return options.reverse ? this.#scanDown(range, limit) : this.#scanUp(range, limit);
  }

  #scanUp({ start, end }: KeyRange, limit: number): Entry[] {
    const found: Entry[] = [];
    for (const entry of this.#tree.entries(start)) {
      if (end !== undefined && entry[0] >= end) break;
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  #scanDown({ start, end }: KeyRange, limit: number): Entry[] {
    const found: Entry[] = [];
    for (const entry of this.#tree.entriesReversed(end, undefined, true)) {
      if (entry[0] < start) break;
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }
}
