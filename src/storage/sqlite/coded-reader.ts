/** Reads of a connection whose errors are the storage's: what snapshots and transactions have in common. */
import type { Entry, KeyRange, ScanOptions, StorageReader, Version } from "../storage.js";
import type { EntryReader } from "./entry-reader.js";

export class CodedReader implements StorageReader {
  readonly version: Version;
  readonly #source: () => EntryReader;
  readonly #translate: (error: unknown) => Error;

  /**
   * @param source Where to read now; throws when this reader may not be used any more.
   * @param translate The coded error for one that the connection threw.
   */
  constructor(version: Version, source: () => EntryReader, translate: (error: unknown) => Error) {
    this.version = version;
    this.#source = source;
    this.#translate = translate;
  }

  get(key: string): string | undefined {
    try {
      return this.#source().get(key);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    try {
      return this.#source().getMany(keys);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  scan(range: KeyRange, options?: ScanOptions): Entry[] {
    try {
      return this.#source().scan(range, options);
    } catch (error) {
      throw this.#translate(error);
    }
  }
}
