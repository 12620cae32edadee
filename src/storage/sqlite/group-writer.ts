/**
 * Group commit on the one connection that writes. Commits are applied at once inside an open SQLite
 * transaction, where the transactions after them see them; they are acknowledged together once that
 * transaction is committed, with one fsync for all. If it fails, all of the group fail and the data is as
 * it was before the first; whoever has meanwhile read what is now gone fails with them.
 */
import { TrueupError } from "../../errors/index.js";
import { type Commit, nextVersion, type Version, type Write } from "../storage.js";
import type { SqliteConnection } from "./driver/driver.js";
import { EntryReader } from "./entry-reader.js";
import { prepareMetaRead, prepareMetaWrite } from "./file/meta.js";
import { seal } from "./damage/seal.js";

// Taken at import: tests put clocks that stand still in place of the global ones.
const { setImmediate, clearImmediate } = globalThis;

/** How long the first commit of a group waits for others, so long as there are others. */
const maxGroupAgeMs = 2;

interface Pending extends Commit {
  readonly resolve: (version: Version) => void;
  readonly reject: (error: Error) => void;
}

export interface GroupWriterHooks {
  /** Milliseconds since 1970. */
  clock(): number;
  /** The coded error for one that the connection threw. */
  translate(error: unknown): Error;
  /** Called before the first write of a group: reads on this connection see the durable version no longer. */
  beforeWrites(): void;
  /** Called before each COMMIT. */
  beforeCommit(): void;
  /** Called with the group's commits once they are durable, before they are acknowledged. */
  onDurable(commits: readonly Commit[]): void;
}

export class GroupWriter {
  readonly #connection: SqliteConnection;
  readonly #hooks: GroupWriterHooks;
  readonly #reader: EntryReader;
  readonly #put: (key: string, value: string) => void;
  readonly #delete: (key: string) => void;
  readonly #writeVersion: (version: Version) => void;
  readonly #begin: () => void;
  readonly #commit: () => void;

  #durableVersion: Version;
  #lastVersion: Version;
  #pending: Pending[] = [];
  #pendingSinceMs = 0;
  /** Inside a SQLite transaction. It stays open between commits, because reads inside one cost half. */
  #isOpen = false;
  /** That transaction has writes. */
  #isDirty = false;
  #flushSoon: NodeJS.Immediate | undefined;
  #failures = 0;
  #lastFailure: Error | undefined;

  constructor(connection: SqliteConnection, hooks: GroupWriterHooks) {
    this.#connection = connection;
    this.#hooks = hooks;
    this.#reader = new EntryReader(connection);
    this.#put = connection.prepareRun(
      "INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    this.#delete = connection.prepareRun("DELETE FROM entries WHERE key = ?");
    this.#writeVersion = prepareMetaWrite(connection, "version");
    this.#begin = connection.prepareRun("BEGIN");
    this.#commit = connection.prepareRun("COMMIT");
    this.#durableVersion = prepareMetaRead(connection, "version")();
    this.#lastVersion = this.#durableVersion;
    prepareMetaWrite(connection, "owner")(process.pid);
  }

  /** The latest version that is durable. */
  get durableVersion(): Version {
    return this.#durableVersion;
  }

  /** The version that a transaction beginning now sees: the last one applied. */
  get version(): Version {
    return this.#pending.at(-1)?.version ?? this.#durableVersion;
  }

  /** Rises with every group that fails, so that a transaction can tell whether what it read still stands. */
  get failures(): number {
    return this.#failures;
  }

  /** Throws the error of the latest failure if there was one since the count was `failures`. */
  assertNoFailureSince(failures: number): void {
    if (failures !== this.#failures && this.#lastFailure !== undefined) throw this.#lastFailure;
  }

  /** Whether reads on this connection see the durable version: nothing has been applied since. */
  get isClean(): boolean {
    return !this.#isDirty;
  }

  /** Reads what has been applied so far. Its errors are the connection's. */
  get reader(): EntryReader {
    this.#open();
    return this.#reader;
  }

  /**
   * Applies a transaction's writes. Resolves with their version when they are durable. A transaction
   * without writes waits too if it may have read from the group.
   */
  add(writes: readonly Write[]): Promise<Version> {
    if (writes.length === 0 && this.#pending.length === 0) return Promise.resolve(this.version);
    return new Promise((resolve, reject) => {
      try {
        this.#apply(writes);
      } catch (error) {
        this.#undoAllButPending();
        reject(this.#hooks.translate(error));
        return;
      }
      if (this.#pending.length === 0) this.#pendingSinceMs = performance.now();
      if (writes.length > 0) this.#lastVersion = nextVersion(this.#lastVersion, this.#hooks.clock());
      const version = writes.length > 0 ? this.#lastVersion : this.version;
      this.#pending.push({ version, writes, resolve, reject });
    });
  }

  /**
   * Called between two transactions. With nobody waiting the group is committed at once; otherwise
   * when it is old enough, or when the event loop gets to turn, whichever is first: no timer is involved.
   */
  handOver(isSomebodyWaiting: boolean): void {
    if (!isSomebodyWaiting) this.flush();
    else if (this.#pending.length === 0) return;
    else if (performance.now() - this.#pendingSinceMs >= maxGroupAgeMs) this.flush();
    else this.#flushSoon ??= setImmediate(() => this.flush());
  }

  /** Commits the group now, and acknowledges it or rejects all of it. */
  flush(): void {
    clearImmediate(this.#flushSoon);
    this.#flushSoon = undefined;
    const group = this.#pending;
    if (group.length === 0) return;
    try {
      this.#assertIntact();
      this.#hooks.beforeCommit();
      this.#writeVersion(this.version);
      this.#commit();
    } catch (error) {
      this.#rollback();
      this.#fail(this.#hooks.translate(error));
      return;
    }
    this.#isOpen = false;
    this.#isDirty = false;
    this.#durableVersion = this.version;
    this.#pending = [];
    this.#hooks.onDurable(group.filter(({ writes }) => writes.length > 0));
    for (const { resolve, version } of group) resolve(version);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#begin();
    this.#isOpen = true;
  }

  #apply(writes: readonly Write[]): void {
    if (this.#isDirty) this.#assertIntact();
    else this.#hooks.beforeWrites();
    this.#open();
    this.#isDirty = true;
    for (const [key, value] of writes) {
      if (value === undefined) this.#delete(key);
      else this.#put(key, seal(key, value));
    }
  }

  /** After an I/O error, even of a read, SQLite may have rolled back, and would commit each statement alone. */
  #assertIntact(): void {
    if (this.#connection.isInTransaction()) return;
    throw new TrueupError("STORAGE_UNAVAILABLE", "An I/O error ended the group's transaction.");
  }

  /** Takes back a transaction that was applied in part; those before it in the group are applied again. */
  #undoAllButPending(): void {
    this.#rollback();
    if (this.#pending.length === 0) return;
    try {
      for (const { writes } of this.#pending) this.#apply(writes);
    } catch (error) {
      this.#rollback();
      this.#fail(this.#hooks.translate(error));
    }
  }

  #fail(error: Error): void {
    this.#failures++;
    this.#lastFailure = error;
    const group = this.#pending;
    this.#pending = [];
    for (const { reject } of group) reject(error);
  }

  #rollback(): void {
    this.#isOpen = false;
    this.#isDirty = false;
    try {
      this.#connection.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back already, as it does when the disk is full.
    }
  }
}
