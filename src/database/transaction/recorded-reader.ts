/**
 * Reads entries as they were when the transaction began, past documents and caches, and remembers that in its read set: for work
 * that goes by entries, such as builds of indexes.
 */
import type {
  Entry,
  KeyRange,
  MaybePromise,
  ScanOptions,
  StorageReader,
  Version,
} from "../../storage/storage.js";
import type { ReadSet } from "./read-set.js";

/** Above all keys, whose chars are at most U+00FF. */
const endOfKeys = "\u0100";

export class RecordedReader implements StorageReader {
  readonly #storage: StorageReader;
  readonly #readSet: ReadSet;

  constructor(storage: StorageReader, readSet: ReadSet) {
    this.#storage = storage;
    this.#readSet = readSet;
  }

  get version(): Version {
    return this.#storage.version;
  }

  get(key: string): MaybePromise<string | undefined> {
    this.#readSet.addKey(key);
    return this.#storage.get(key);
  }

  getMany(keys: readonly string[]): MaybePromise<(string | undefined)[]> {
    for (const key of keys) this.#readSet.addKey(key);
    return this.#storage.getMany(keys);
  }

  scan(range: KeyRange, options: ScanOptions = {}): MaybePromise<Entry[]> {
    const { start, end = endOfKeys } = range;
    const coverage = { start, end, isReverse: options.reverse === true, last: null, isComplete: true };
    const cover = (entries: Entry[]): Entry[] => {
      const isComplete = options.limit === undefined || entries.length < options.limit;
      this.#readSet.addCoverage({ ...coverage, isComplete, last: entries.at(-1)?.[0] ?? null });
      return entries;
    };
    const found = this.#storage.scan(range, options);
    return found instanceof Promise ? found.then(cover) : cover(found);
  }
}
