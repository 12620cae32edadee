/**
 * Connections that are pinned to a version by an open read transaction. Snapshots of one version share a
 * pin. The latest version's pin outlives its last snapshot, for the next one, until there is a newer version;
 * any older pin is let go with its last snapshot, or when it has been outdated for too long, because the
 * log cannot shrink below a pinned version. Connections are kept for reuse; past a limit, snapshots wait.
 */
import { TrueupError } from "../../errors/index.js";
import type { MaybePromise, Version } from "../storage.js";
import type { SqliteConnection } from "./driver.js";
import { EntryReader } from "./entry-reader.js";

/** So many connections are kept when nothing is pinned; more are closed. */
const MAX_IDLE = 16;
/** So many versions may be pinned at once; each costs three file descriptors. */
const MAX_OPEN = 64;

/** A version and who reads it. */
export class Pin {
  readonly version: Version;
  readonly #connection: PooledConnection;
  /** Why it may not be read any more. */
  #ended: TrueupError | undefined;
  users = 0;
  /** When a newer version appeared, by `performance.now()`. */
  outdatedSinceMs = Infinity;

  constructor(version: Version, connection: PooledConnection) {
    this.version = version;
    this.#connection = connection;
  }

  /** @throws SNAPSHOT_TOO_OLD, STORAGE_CLOSED when the pin has been let go. */
  get reader(): EntryReader {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#connection.reader;
  }

  /** Says why reads fail from now on; gives back the connection, still in its transaction. */
  end(reason: TrueupError): PooledConnection {
    this.#ended = reason;
    return this.#connection;
  }
}

class PooledConnection {
  readonly reader: EntryReader;
  readonly #connection: SqliteConnection;
  readonly #begin: () => void;
  readonly #readVersion: () => number | undefined;
  readonly #end: () => void;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.reader = new EntryReader(connection);
    this.#begin = connection.prepareRun("BEGIN");
    this.#readVersion = connection.prepareValue("SELECT value FROM meta WHERE name = 'version'");
    this.#end = connection.prepareRun("END");
  }

  /** A transaction sees the version of its first read. */
  pin(): Version {
    this.#begin();
    return this.#readVersion() ?? 0;
  }

  unpin(): void {
    this.#end();
  }

  close(): void {
    this.#connection.close();
  }
}

export class SnapshotPool {
  readonly #openConnection: () => SqliteConnection;
  readonly #maxAgeMs: number;
  /** All connections of the pool, pinned or not. */
  readonly #connections = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = [];
  #latest: Pin | undefined;
  readonly #outdated = new Set<Pin>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(openConnection: () => SqliteConnection, maxAgeMs: number) {
    this.#openConnection = openConnection;
    this.#maxAgeMs = maxAgeMs;
  }

  /** A pin of the latest durable version; waits while too many versions are pinned. */
  acquire(): MaybePromise<Pin> {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
    if (this.#latest === undefined) {
      const connection = this.#takeConnection();
      if (connection === undefined) return this.#acquireLater();
      this.#latest = this.#pin(connection);
    }
    this.#latest.users++;
    return this.#latest;
  }

  /** Ends one use of a pin. */
  release(pin: Pin): void {
    pin.users--;
    if (pin.users === 0 && this.#outdated.delete(pin)) {
      this.#putBack(pin.end(new TrueupError("SNAPSHOT_TOO_OLD")));
    }
  }

  /** Lets go of the latest version if nobody reads it, so that the commit may shrink the log. */
  beforeCommit(): void {
    if (this.#latest?.users !== 0) return;
    this.#putBack(this.#latest.end(new TrueupError("SNAPSHOT_TOO_OLD")));
    this.#latest = undefined;
  }

  /** There is a newer version than all pinned ones. */
  afterCommit(): void {
    const nowMs = performance.now();
    for (const pin of this.#outdated) {
      if (nowMs - pin.outdatedSinceMs < this.#maxAgeMs) continue;
      this.#outdated.delete(pin);
      this.#putBack(pin.end(new TrueupError("SNAPSHOT_TOO_OLD")));
    }
    if (this.#latest === undefined) return;
    this.#latest.outdatedSinceMs = nowMs;
    this.#outdated.add(this.#latest);
    this.#latest = undefined;
  }

  /** Ends all pins and closes all connections. */
  close(): void {
    this.#isClosed = true;
    for (const pin of [...this.#outdated, ...(this.#latest === undefined ? [] : [this.#latest])]) {
      pin.end(new TrueupError("STORAGE_CLOSED"));
    }
    this.#outdated.clear();
    this.#latest = undefined;
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async #acquireLater(): Promise<Pin> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    return this.acquire();
  }

  #takeConnection(): PooledConnection | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#connections.size >= MAX_OPEN) return undefined;
    const connection = new PooledConnection(this.#openConnection());
    this.#connections.add(connection);
    return connection;
  }

  #pin(connection: PooledConnection): Pin {
    try {
      return new Pin(connection.pin(), connection);
    } catch (error) {
      this.#discard(connection);
      throw error;
    }
  }

  #putBack(connection: PooledConnection): void {
    try {
      connection.unpin();
      if (this.#idle.length < MAX_IDLE || this.#waiting.length > 0) this.#idle.push(connection);
      else this.#discard(connection);
    } catch {
      // It has met an I/O error or a damaged page; what it was asked to read has said so.
      this.#discard(connection);
    }
    this.#waiting.shift()?.();
  }

  #discard(connection: PooledConnection): void {
    this.#connections.delete(connection);
    connection.close();
  }
}
