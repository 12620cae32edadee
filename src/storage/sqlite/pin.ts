/**
 * A version and who reads it. While it is the latest one and nothing is being written, its readers use the
 * connection that writes, which costs nothing; when a write is about to change what that connection sees, the
 * pin moves to a connection of its own, which is held to the version by a read transaction.
 */
import type { Version } from "../storage.js";
import type { EntryReader } from "./entry-reader.js";
import type { PooledConnection } from "./pooled-connection.js";

export class Pin {
  readonly version: Version;
  /** When a newer version appeared, by `performance.now()`. */
  outdatedSinceMs: number = Infinity;
  users = 0;
  readonly #latestReader: () => EntryReader;
  #connection: PooledConnection | undefined;
  #ended: Error | undefined;

  /** @param latestReader The reader of the connection that writes. */
  constructor(version: Version, latestReader: () => EntryReader) {
    this.version = version;
    this.#latestReader = latestReader;
  }

  /** @throws Why the pin was let go, if it was: SNAPSHOT_TOO_OLD, STORAGE_CLOSED. */
  get reader(): EntryReader {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#connection?.reader ?? this.#latestReader();
  }

  get hasConnection(): boolean {
    return this.#connection !== undefined;
  }

  /** From now on reads use this connection, which is pinned to the same version. */
  moveTo(connection: PooledConnection): void {
    this.#connection = connection;
  }

  /** Says why reads fail from now on; gives back the connection, if any, still in its transaction. */
  end(reason: Error): PooledConnection | undefined {
    this.#ended = reason;
    return this.#connection;
  }
}
