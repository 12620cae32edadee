/**
 * A version that snapshots read. While it is the latest one and nothing is being written, its readers use the
 * connection that writes, which costs nothing. When a write is about to change what that connection sees, the
 * pin moves to a connection of its own, which a read transaction holds to the version.
 */
import type { StorageSnapshot, Version } from "../../storage.js";
import { CodedReader, EntryReader } from "../entry-reader.js";
import type { SqliteConnection } from "../driver/driver.js";
import { prepareMetaRead } from "../file/meta.js";

/** A connection for snapshots, in a read transaction while it is pinned to a version. */
export class PooledConnection {
  readonly reader: EntryReader;
  readonly #connection: SqliteConnection;
  readonly #begin: () => void;
  readonly #readVersion: () => number;
  readonly #end: () => void;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.reader = new EntryReader(connection);
    this.#begin = connection.prepareRun("BEGIN");
    this.#readVersion = prepareMetaRead(connection, "version");
    this.#end = connection.prepareRun("END");
  }

  /** Pins the latest durable version, which it returns: a transaction sees what its first read sees. */
  pin(): Version {
    this.#begin();
    return this.#readVersion();
  }

  unpin(): void {
    this.#end();
  }

  close(): void {
    this.#connection.close();
  }
}

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

export interface SnapshotHooks {
  /** Called once. */
  readonly release: (pin: Pin) => void;
  /** The coded error for one that the connection threw. */
  readonly translate: (error: unknown) => Error;
}

/** A snapshot of the SQLite storage: one use of a pin. */
export class SqliteSnapshot extends CodedReader implements StorageSnapshot {
  readonly #release: () => void;

  constructor(pin: Pin, { release, translate }: SnapshotHooks) {
    let isReleased = false;
    super(
      pin.version,
      () => {
        if (isReleased) throw new Error("The snapshot was read after its release.");
        return pin.reader;
      },
      translate,
    );
    this.#release = () => {
      if (!isReleased) release(pin);
      isReleased = true;
    };
  }

  release(): void {
    this.#release();
  }
}
