/**
 * The storage in a schema of a Postgres database, which any number of processes open at once. Reads go by a version, commits
 * in batches through one function of the schema, and what others committed comes by the feed; this file ties them together.
 * Nobody leads, and nothing is held on the server between two statements.
 */
import { TrueupError } from "../../errors/index.js";
import { CommitListeners } from "../commit-listeners.js";
import { PendingRequests } from "../pending/index.js";
import type {
  Commit,
  OpenStorage,
  Storage,
  StorageCapabilities,
  StorageCheck,
  StorageFigures,
  StorageSnapshot,
  StorageTransaction,
  Version,
} from "../storage.js";
import { type Address, parseAddress } from "./address.js";
import { Batches } from "./batches.js";
import { Connections, type Driver, loadDriver, patienceMs } from "./connections.js";
import { Feed, type LoggedBatch, type Poll, type Position } from "./feed.js";
import { checkSchema } from "./check.js";
import { Janitor } from "./janitor.js";
import { everythingChanged, unpackCommits } from "./log-body.js";
import { PostgresSnapshot, PostgresTransaction } from "./readers.js";
import { positionAfter } from "./resets.js";
import { prepareSchema } from "./schema/prepare.js";
import { quoteName } from "./schema/tables.js";
import { VersionReader } from "./version-reader.js";

const defaultHistoryMs = 120_000;

/** Options of a storage on Postgres. */
export interface PostgresOptions {
  /** Connections that read, at most: 10 when left out. Two more commit and listen. */
  readonly poolSize?: number;
  /** Postgres' `synchronous_commit` for commits of this process; the server's own setting when left out. */
  readonly synchronousCommit?: "off" | "local" | "remote_write" | "on" | "remote_apply";
  /**
   * How long what was overwritten is kept, so that snapshots and processes that were stopped meanwhile can go on from there: 2
   * minutes when left out.
   */
  readonly historyMs?: number;
}

/**
 * A storage in a database of Postgres 13 or later, in the schema that the address names: `postgres://user@host/db?schema=app`.
 * The schema and its tables are made at the first opening. All other parameters of the address are those of the package `pg`,
 * which has to be installed: `sslmode`, `sslrootcert`, `host` for a socket's folder.
 *
 * Opening it throws STORAGE_ADDRESS_INVALID, STORAGE_DRIVER_MISSING, STORAGE_UNAVAILABLE, and what is wrong with the server:
 * STORAGE_SERVER_TOO_OLD, STORAGE_SERVER_UNSUITED, STORAGE_READ_ONLY, STORAGE_FORBIDDEN, STORAGE_TOO_NEW, STORAGE_MOVED.
 */
export function postgres(address: string, options: PostgresOptions = {}): OpenStorage {
  return async () => {
    const parsed = parseAddress(address);
    return await PostgresStorage.open(await loadDriver(), parsed, options);
  };
}

class PostgresStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    serialTransactions: false,
    persistent: true,
    shared: true,
  };
  readonly #address: Address;
  readonly #reads: Connections;
  readonly #commits: Connections;
  readonly #feeds: Connections;
  readonly #reader: VersionReader;
  readonly #pending: PendingRequests;
  readonly #batches: Batches;
  readonly #feed: Feed;
  readonly #janitor: Janitor;
  readonly #listeners = new CommitListeners();
  #position: Position;
  /** Nothing that was read before is true any more. */
  #resetAt: Version = 0;
  /** The database's clock at the last answer, and this process's own then. */
  #clock = { nowMs: 0, atMs: 0 };
  #active = 0;
  #whenInactive: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  static async open(driver: Driver, address: Address, options: PostgresOptions): Promise<PostgresStorage> {
    const reads = new Connections(driver, address, { size: options.poolSize ?? 10 });
    try {
      await prepareSchema(reads, address);
      const [clock] = await reads.run(`SELECT version, batch FROM ${quoteName(address.schema)}.clock`);
      const position: Position = { version: Number(clock?.[0]), batch: clock?.[1] ?? "" };
      const storage = new PostgresStorage(driver, address, options, reads, position);
      await storage.#start();
      return storage;
    } catch (error) {
      await reads.close();
      throw error;
    }
  }

  private constructor(
    driver: Driver,
    address: Address,
    options: PostgresOptions,
    reads: Connections,
    position: Position,
  ) {
    const { schema } = address;
    this.#address = address;
    this.#position = position;
    this.#reads = reads;
    this.#commits = new Connections(driver, address, { size: 1 });
    this.#feeds = new Connections(driver, address, {
      size: 1,
      onConnect: (client) => {
        client.on("notification", () => this.#feed.notify());
        client.query(`LISTEN ${quoteName(schema)}`).catch(() => undefined);
      },
    });
    this.#reader = new VersionReader(reads, schema);
    this.#pending = new PendingRequests(position.version);
    this.#feed = new Feed(this.#feeds, schema, {
      known: () => this.#position,
      onPoll: (poll) => this.#receive(poll),
    });
    this.#batches = new Batches(
      this.#pending,
      this.#commits,
      { schema, synchronousCommit: options.synchronousCommit },
      {
        known: () => this.#position,
        hear: (batches) => this.#hear(batches),
        poll: () => this.#feed.poll(),
      },
    );
    this.#janitor = new Janitor(reads, schema, options.historyMs ?? defaultHistoryMs);
  }

  get version(): Version {
    return this.#position.version;
  }

  async latest(): Promise<Version> {
    this.#assertOpen();
    await this.#feeds.persist(() => this.#feed.poll(), patienceMs);
    return this.version;
  }

  async reached(version: Version): Promise<void> {
    if (version > this.version) await this.latest();
  }

  snapshot(): StorageSnapshot {
    this.#assertOpen();
    return this.#snapshotAt(this.version);
  }

  /** As of the batch that the version belongs to: a batch is seen whole or not at all. */
  async snapshotAt(version: Version): Promise<StorageSnapshot> {
    this.#assertOpen();
    if (version >= this.version) return this.#snapshotAt(this.version);
    const [row] = await this.#reads.run(
      `SELECT version FROM ${quoteName(this.#address.schema)}.log WHERE version >= $1 ORDER BY version LIMIT 1`,
      [String(version)],
    );
    return this.#snapshotAt(Number(row?.[0] ?? version));
  }

  async begin(): Promise<StorageTransaction> {
    this.#assertOpen();
    this.#active++;
    return new PostgresTransaction({
      pending: this.#pending,
      reader: this.#reader,
      wake: () => this.#batches.wake(),
      onEnd: () => this.#end(),
    });
  }

  /** By the database's clock, as of its last answer and the time since; never before the last commit. */
  nowMs(): number {
    const { nowMs, atMs } = this.#clock;
    return Math.max(nowMs + (performance.now() - atMs), this.version / 1000);
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#listeners.add(listener);
  }

  figures(): StorageFigures {
    const { sent, sentMs } = this.#batches;
    return { flushes: sent, flushMs: sentMs, ...this.#janitor.sizes };
  }

  async check(onEntries: (entries: number) => void = () => {}): Promise<StorageCheck> {
    this.#assertOpen();
    return await checkSchema(this.#reads, this.#address.schema, onEntries);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(): Promise<void> {
    await this.#feed.poll();
    await this.#janitor.look();
    this.#feed.start();
    this.#janitor.start();
  }

  #snapshotAt(version: Version): StorageSnapshot {
    return new PostgresSnapshot(this.#reader, version, () => {
      this.#assertNotClosed();
      if (version < this.#resetAt) throw new TrueupError("SNAPSHOT_TOO_OLD");
    });
  }

  async #receive(poll: Poll): Promise<boolean> {
    this.#clock = { nowMs: poll.nowMs, atMs: performance.now() };
    if (!poll.hasKnown && poll.known.version === this.version) {
      const position = await positionAfter(this.#feeds, this.#address, poll);
      this.#announce(position, [resetCommit(position.version)]);
      this.#resetAt = position.version;
      return true;
    }
    this.#hear(poll.batches);
    return this.version < poll.last.version;
  }

  /** Announces the batches that were not heard of yet, whoever brings them. */
  #hear(batches: readonly LoggedBatch[]): void {
    for (const batch of batches) {
      if (batch.version <= this.version) continue;
      const own = this.#batches.claim(batch.batch);
      if (own === undefined) {
        const commits = unpackCommits(Buffer.from(batch.body, "hex"), batch.first);
        this.#announce(batch, commits);
        continue;
      }
      const refused = new Set(batch.refused);
      const accepted = own.filter((_, place) => !refused.has(place));
      const commits = accepted.map((pending, index) => this.#pending.commit(pending, batch.first + index));
      this.#position = { version: batch.version, batch: batch.batch };
      for (const commit of commits) this.#listeners.notify(commit);
      for (const pending of accepted) pending.acknowledge();
      this.#pending.refuse(own.filter((_, place) => refused.has(place)));
    }
  }

  #announce({ version, batch }: Position, commits: readonly Commit[]): void {
    for (const commit of commits) this.#pending.hear(commit);
    this.#position = { version, batch };
    for (const commit of commits) this.#listeners.notify(commit);
  }

  #end(): void {
    this.#active--;
    if (this.#active === 0) this.#whenInactive?.();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new TrueupError("STORAGE_CLOSED");
  }

  /** Transactions that are under way may read while the storage closes. */
  #assertNotClosed(): void {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
  }

  async #close(): Promise<void> {
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#whenInactive = resolve;
      });
    }
    await this.#batches.whenIdle();
    this.#isClosed = true;
    this.#feed.stop();
    await this.#janitor.stop();
    this.#pending.failAll(new TrueupError("STORAGE_CLOSED"));
    await Promise.all([this.#reads.close(), this.#commits.close(), this.#feeds.close()]);
  }
}

/** For listeners, everything is another thing than it was. */
function resetCommit(version: Version): Commit {
  return { version, isOwn: false, writes: [], adds: [], touched: () => everythingChanged };
}
