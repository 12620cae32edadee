/** A snapshot, and a transaction: both read at a version, and a transaction sees what its opening handed over besides. */
import type { PendingRequests, Seen } from "../pending/index.js";
import {
  assertLimit,
  type CommitRequest,
  type Entry,
  type KeyRange,
  type ScanOptions,
  type StorageReader,
  type StorageSnapshot,
  type StorageTransaction,
  type Version,
} from "../storage.js";
import { TransactionState } from "../transaction-state.js";
import type { VersionReader } from "./version-reader.js";

export class PostgresSnapshot implements StorageSnapshot {
  readonly version: Version;
  readonly #reader: VersionReader;
  readonly #assertOpen: () => void;
  #isReleased = false;

  /** @param assertOpen Throws when the storage is closed, or the version is not to be read any more. */
  constructor(reader: VersionReader, version: Version, assertOpen: () => void) {
    this.#reader = reader;
    this.version = version;
    this.#assertOpen = assertOpen;
  }

  async get(key: string): Promise<string | undefined> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.#assertReadable();
    return await this.#reader.getMany(this.version, keys);
  }

  async scan(range: KeyRange, options?: ScanOptions): Promise<Entry[]> {
    this.#assertReadable();
    return await this.#reader.scan(this.version, range, options);
  }

  release(): void {
    this.#isReleased = true;
  }

  #assertReadable(): void {
    this.#assertOpen();
    if (this.#isReleased) throw new Error("The snapshot was read after its release.");
  }
}

/** What a transaction needs of its storage. */
export interface Hub {
  readonly pending: PendingRequests;
  readonly reader: VersionReader;
  /** Something was handed over, and waits to be sent. */
  wake(): void;
  /** The transaction has ended. */
  onEnd(): void;
}

export class PostgresTransaction implements StorageTransaction {
  readonly version: Version;
  readonly #hub: Hub;
  readonly #seen: Seen;
  readonly #state = new TransactionState();

  constructor(hub: Hub) {
    this.#hub = hub;
    this.#seen = hub.pending.begin();
    this.version = this.#seen.version;
  }

  get committed(): StorageReader {
    return new PostgresSnapshot(this.#hub.reader, this.version, () => this.#state.assertActive());
  }

  async get(key: string): Promise<string | undefined> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.#state.assertActive();
    const { pending, reader } = this.#hub;
    return await pending.getMany(this.#seen, keys, reader.at(this.version));
  }

  async scan(range: KeyRange, options?: ScanOptions): Promise<Entry[]> {
    this.#state.assertActive();
    assertLimit(options?.limit);
    const { pending, reader } = this.#hub;
    return await pending.scan(this.#seen, range, options, reader.at(this.version));
  }

  async commit(request: CommitRequest): Promise<Version> {
    this.#state.assertActive();
    this.#state.end();
    try {
      const answer = this.#hub.pending.handOver(this.#seen, request);
      this.#hub.wake();
      return await answer;
    } finally {
      this.#hub.onEnd();
    }
  }

  rollback(): void {
    if (!this.#state.end()) return;
    this.#hub.pending.end(this.#seen);
    this.#hub.onEnd();
  }
}
