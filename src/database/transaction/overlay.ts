/**
 * The writes of a transaction to one range of keys: a map, and the same in order once somebody scans it.
 * Most overlays of a mutation are never scanned, so they pay for no order.
 */
import sortedBtree from "sorted-btree";

// The package is CommonJS: Node imports its exports object, test runners and bundlers its default export.
const BTree = "default" in sortedBtree ? sortedBtree.default : sortedBtree;
type Sorted<V> = InstanceType<typeof BTree<string, V>>;

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export class Overlay<V> {
  readonly #map = new Map<string, V>();
  #sorted: Sorted<V> | null = null;

  get size(): number {
    return this.#map.size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  /** Sets the value, or removes the key when it is undefined. O(1), O(log n) once there is an order. */
  set(key: string, value: V | undefined): void {
    if (value === undefined) {
      this.#map.delete(key);
      this.#sorted?.delete(key);
    } else {
      this.#map.set(key, value);
      this.#sorted?.set(key, value);
    }
  }

  entries(): IterableIterator<[string, V]> {
    return this.#map.entries();
  }

  /** The first entry at or after `key`. */
  atOrAfter(key: string): [string, V] | undefined {
    return this.#order().getPairOrNextHigher(key);
  }

  /** The first entry after `key`. */
  after(key: string): [string, V] | undefined {
    return this.#order().nextHigherPair(key);
  }

  /** The last entry before `key`; the last of all when it is undefined. */
  before(key: string | undefined): [string, V] | undefined {
    return this.#order().nextLowerPair(key);
  }

  #order(): Sorted<V> {
    if (this.#sorted === null) {
      const entries = [...this.#map].sort(([a], [b]) => compareKeys(a, b));
      this.#sorted = new BTree(entries, compareKeys);
    }
    return this.#sorted;
  }
}
