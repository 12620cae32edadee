/**
 * The pins that snapshots read, and the connections that hold them. Snapshots of one version share a pin. The
 * latest durable version's pin outlives its last snapshot, for the next one, until there is a newer version; an
 * older pin is let go with its last snapshot, or when it has been outdated for too long, because the log
 * cannot shrink below a pinned version. Connections are kept for reuse; past a limit, snapshots wait.
 */
import { TrueupError } from "../../../errors/index.js";
import type { MaybePromise } from "../../storage.js";
import type { SqliteConnection } from "../driver/driver.js";
import type { GroupWriter } from "../group-writer.js";
import { Pin, PooledConnection } from "./pin.js";

/** So many connections are kept when nothing is pinned; more are closed. */
const maxIdle = 16;
/** So many versions may be pinned at once; each costs three file descriptors. */
const maxOpen = 64;

/** What the pool needs to know of the writer. */
type FollowedWriter = Pick<
  GroupWriter,
  "durableVersion" | "isClean" | "reader" | "flushing" | "assertNotStopped"
>;

export class SnapshotPool {
  readonly #writer: FollowedWriter;
  readonly #openConnection: () => SqliteConnection;
  readonly #maxAgeMs: number;
  /** All connections of the pool, pinned or not. */
  readonly #connections = new Set<PooledConnection>();
  readonly #idle: PooledConnection[] = [];
  #latest: Pin | undefined;
  readonly #outdated = new Set<Pin>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(writer: FollowedWriter, openConnection: () => SqliteConnection, maxAgeMs: number) {
    this.#writer = writer;
    this.#openConnection = openConnection;
    this.#maxAgeMs = maxAgeMs;
  }

  /** A pin of the latest durable version; waits while too many versions are pinned. */
  acquire(): MaybePromise<Pin> {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
    if (this.#latest === undefined) {
      this.#writer.assertNotStopped();
      const { flushing } = this.#writer;
      if (flushing !== undefined) return this.#acquireAfter(flushing);
      if (!this.#hasConnectionLeft()) return this.#acquireLater();
      const pin = this.#newPin();
      if (!this.#writer.isClean) this.#hold(pin);
      this.#latest = pin;
    }
    this.#latest.users++;
    return this.#latest;
  }

  /** Ends one use of a pin. */
  release(pin: Pin): void {
    pin.users--;
    if (pin.users === 0 && this.#outdated.delete(pin)) this.#letGo(pin);
  }

  /** The connection that writes is about to see more than the durable version. */
  beforeWrites(): void {
    const pin = this.#latest;
    if (pin === undefined || pin.hasConnection) return;
    this.#latest = undefined;
    if (pin.users === 0) return;
    try {
      this.#hold(pin);
      this.#latest = pin;
    } catch (error) {
      // The writes go on; those who read the pin are told.
      pin.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * The log is about to hold more than the durable version. Snapshots that begin before that is durable too need a pin, which
   * can only be made now. When there will be none, a pin that nobody reads is let go, so that the log can begin anew.
   */
  beforeCommit(isFlushedBeside: boolean): void {
    if (isFlushedBeside) this.#pinLatest();
    else this.letGoUnread();
  }

  /** Lets go of a pin that nobody reads. */
  letGoUnread(): void {
    if (this.#latest?.users !== 0) return;
    this.#letGo(this.#latest);
    this.#latest = undefined;
  }

  /** Lets go of all versions but the latest: whoever reads one is told that it is too old. */
  endOutdated(): void {
    for (const pin of this.#outdated) this.#letGo(pin);
    this.#outdated.clear();
  }

  /** There is a newer version than all pinned ones. */
  afterCommit(): void {
    const nowMs = performance.now();
    for (const pin of this.#outdated) {
      if (nowMs - pin.outdatedSinceMs < this.#maxAgeMs) continue;
      this.#outdated.delete(pin);
      this.#letGo(pin);
    }
    if (this.#latest === undefined) return;
    this.#latest.outdatedSinceMs = nowMs;
    if (this.#latest.users === 0) this.#letGo(this.#latest);
    else this.#outdated.add(this.#latest);
    this.#latest = undefined;
  }

  /** Ends all pins and closes all connections. */
  close(): void {
    this.#isClosed = true;
    this.#latest?.end(new TrueupError("STORAGE_CLOSED"));
    for (const pin of this.#outdated) pin.end(new TrueupError("STORAGE_CLOSED"));
    this.#latest = undefined;
    this.#outdated.clear();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Without a connection left, or with one that fails, snapshots wait for the flush. */
  #pinLatest(): void {
    if (this.#latest !== undefined || !this.#hasConnectionLeft()) return;
    const pin = this.#newPin();
    try {
      this.#hold(pin);
      this.#latest = pin;
    } catch {
      // Whoever asks for a snapshot later is told of what still fails then.
    }
  }

  #newPin(): Pin {
    return new Pin(this.#writer.durableVersion, () => this.#writer.reader);
  }

  async #acquireAfter(flushing: Promise<void>): Promise<Pin> {
    await flushing;
    return this.acquire();
  }

  async #acquireLater(): Promise<Pin> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    return this.acquire();
  }

  /** A new pin needs no connection yet, but one must be left for it. */
  #hasConnectionLeft(): boolean {
    return this.#idle.length > 0 || this.#connections.size < maxOpen;
  }

  /** Moves the pin of the latest version to a connection of its own. */
  #hold(pin: Pin): void {
    const connection = this.#idle.pop() ?? new PooledConnection(this.#openConnection());
    this.#connections.add(connection);
    try {
      const version = connection.pin();
      if (version !== pin.version) throw new Error(`Pinned ${version} instead of ${pin.version}.`);
    } catch (error) {
      this.#discard(connection);
      throw error;
    }
    pin.moveTo(connection);
  }

  #letGo(pin: Pin): void {
    const connection = pin.end(new TrueupError("SNAPSHOT_TOO_OLD"));
    if (connection === undefined) return;
    try {
      connection.unpin();
      if (this.#idle.length < maxIdle || this.#waiting.length > 0) this.#idle.push(connection);
      else this.#discard(connection);
    } catch {
      // The connection met an I/O error or a damaged page, and the read that met it has said so.
      this.#discard(connection);
    }
    this.#waiting.shift()?.();
  }

  #discard(connection: PooledConnection): void {
    this.#connections.delete(connection);
    connection.close();
  }
}
