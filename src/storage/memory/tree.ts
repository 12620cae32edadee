/**
 * The ordered map beneath the memory storage, and reads of one state of it. Clones of a tree share what neither side has changed
 * since.
 */
import sortedBtree from "sorted-btree";
import {
  assertLimit,
  type Entry,
  type KeyRange,
  type ScanOptions,
  type StorageReader,
  type Version,
} from "../storage.js";

// The package is CommonJS: Node imports its exports object, test runners and bundlers its default export.
const BTree: typeof sortedBtree.default = "default" in sortedBtree ? sortedBtree.default : sortedBtree;

/** Keys and values in key order; `clone` is O(1) and makes later writes copy the nodes they touch. */
export type Tree = InstanceType<typeof BTree<string, string>>;

export function emptyTree(): Tree {
  return new BTree<string, string>(undefined, compareKeys);
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
