/** A snapshot of the SQLite storage: one use of a pinned version. */
import type { Entry, KeyRange, ScanOptions, StorageSnapshot, Version } from "../storage.js";
import type { EntryReader } from "./entry-reader.js";
import type { Pin } from "./snapshot-pool.js";

export interface SnapshotHooks {
  release(pin: Pin): void;
  /** The coded error for one that the connection threw. */
  translate(error: unknown): Error;
}

export class SqliteSnapshot implements StorageSnapshot {
  readonly version: Version;
  readonly #pin: Pin;
  readonly #hooks: SnapshotHooks;
  #isReleased = false;

  constructor(pin: Pin, hooks: SnapshotHooks) {
    this.version = pin.version;
    this.#pin = pin;
    this.#hooks = hooks;
  }

  get(key: string): string | undefined {
    return this.#read((reader) => reader.get(key));
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    return this.#read((reader) => reader.getMany(keys));
  }

  scan(range: KeyRange, options?: ScanOptions): Entry[] {
    return this.#read((reader) => reader.scan(range, options));
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#hooks.release(this.#pin);
  }

  #read<T>(run: (reader: EntryReader) => T): T {
    if (this.#isReleased) throw new Error("The snapshot was read after its release.");
    try {
      return run(this.#pin.reader);
    } catch (error) {
      throw this.#hooks.translate(error);
    }
  }
}
