/**
 * Group commit on the one connection that writes. Commits are applied at once inside an open SQLite transaction, where the
 * transactions after them see them. A COMMIT writes them to the log, a flush of the log makes them durable, and only then
 * are they acknowledged, all of the group together. While a flush is under way the next group gathers, uncommitted: so
 * whenever a COMMIT begins, everything in the log is durable, and a crash can lose one group, which nobody was told of.
 *
 * If a COMMIT fails, all of its group fail and the data is as it was before the first; whoever has meanwhile read what is
 * now gone fails with them. If a flush fails, nobody can tell any more what is on disk: nothing is acknowledged from then on.
 */
import { TrueupError } from "../../errors/index.js";
import { isEmpty, stampedWrites, stampOf, sumOf, touchesNothing } from "../commit-request.js";
import {
  type Add,
  type Commit,
  type CommitRequest,
  nextVersion,
  type Version,
  type Write,
} from "../storage.js";
import type { SqliteConnection } from "./driver/driver.js";
import { EntryReader } from "./entry-reader.js";
import type { CommitLog } from "./file/commit-log.js";
import { prepareMetaRead, prepareMetaWrite } from "./file/meta.js";
import { seal } from "./damage/seal.js";
import type { Pace } from "./flush-pace.js";

// Taken at import: tests put clocks that stand still in place of the global ones.
const { setImmediate, clearImmediate } = globalThis;

/** How long the first commit of a group waits for others, so long as there are others. */
const maxGroupAgeMs = 2;

/** So many sums are kept at most: there are about as many as tables. */
const mostSums = 10_000;

interface Pending extends Commit {
  readonly writes: readonly Write[];
  readonly isEmpty: boolean;
  readonly resolve: (version: Version) => void;
  readonly reject: (error: Error) => void;
}

export interface GroupWriterHooks {
  /** Milliseconds since 1970. */
  clock(): number;
  /** The coded error for one that the connection threw. */
  translate(error: unknown): Error;
  /** Whether the disk has other work of the storage, beside which a flush takes long. */
  isDiskBusy(): boolean;
  /** Called before the first write of a group: reads on this connection see the durable version no longer. */
  beforeWrites(): void;
  /**
   * Called before each COMMIT. With `isFlushedBeside`, the event loop turns before what the COMMIT writes is durable, and
   * connections that begin to read meanwhile see it.
   */
  beforeCommit(isFlushedBeside: boolean): void;
  /** Called with the group's commits once they are durable, before they are acknowledged. */
  onDurable(commits: readonly Commit[]): void;
}

export class GroupWriter {
  readonly #connection: SqliteConnection;
  readonly #log: CommitLog;
  readonly #hooks: GroupWriterHooks;
  readonly #pace: Pace;
  readonly #reader: EntryReader;
  readonly #put: (key: string, value: string) => void;
  readonly #delete: (key: string) => void;
  readonly #writeVersion: (version: Version) => void;
  readonly #begin: () => void;
  readonly #commit: () => void;

  /** What keys hold that are added to: the next add need not read it. Only this connection writes. */
  readonly #sums = new Map<string, string>();
  #durableVersion: Version;
  #lastVersion: Version;
  /** Applied, not yet committed. */
  #pending: Pending[] = [];
  #pendingSinceMs = 0;
  /** Committed, not yet durable. */
  #committed: Pending[] = [];
  /** The flush under way, if any. It never rejects. */
  #flushing: Promise<void> | undefined;
  /** Inside a SQLite transaction. It stays open between commits, because reads inside one cost half. */
  #isOpen = false;
  /** That transaction has writes. */
  #isDirty = false;
  #commitSoon: NodeJS.Immediate | undefined;
  #failures = 0;
  #flushes = 0;
  #flushMs = 0;
  #lastFailure: Error | undefined;
  #isStopped = false;

  /** @param pace How to flush before acknowledging. What the log holds already is durable. */
  constructor(connection: SqliteConnection, log: CommitLog, pace: Pace, hooks: GroupWriterHooks) {
    this.#connection = connection;
    this.#log = log;
    this.#pace = pace;
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
  }

  /** The latest version that is durable. */
  get durableVersion(): Version {
    return this.#durableVersion;
  }

  /** The version that a transaction beginning now sees: the last one applied. */
  get version(): Version {
    return (this.#pending.at(-1) ?? this.#committed.at(-1))?.version ?? this.#durableVersion;
  }

  /** Rises with every group that fails, so that a transaction can tell whether what it read still stands. */
  get failures(): number {
    return this.#failures;
  }

  /** Throws the error of the latest failure if there was one since the count was `failures`, or if it was the last. */
  assertNoFailureSince(failures: number): void {
    this.assertNotStopped();
    if (failures !== this.#failures && this.#lastFailure !== undefined) throw this.#lastFailure;
  }

  /** How often the log was flushed, and for how long in all. */
  get flushFigures(): { readonly flushes: number; readonly flushMs: number } {
    return { flushes: this.#flushes, flushMs: this.#flushMs };
  }

  /** Whether a flush has failed: nothing more is committed. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @throws STORAGE_UNAVAILABLE once a flush has failed */
  assertNotStopped(): void {
    if (this.#isStopped && this.#lastFailure !== undefined) throw this.#lastFailure;
  }

  /** Whether reads on this connection see the durable version: nothing has been applied since. */
  get isClean(): boolean {
    return !this.#isDirty && this.#committed.length === 0 && !this.#isStopped;
  }

  /** Resolves when the flush under way has ended; undefined when there is none. */
  get flushing(): Promise<void> | undefined {
    return this.#flushing;
  }

  /** Reads what has been applied so far. Its errors are the connection's. */
  get reader(): EntryReader {
    this.assertNotStopped();
    this.#open();
    return this.#reader;
  }

  /**
   * Applies what a transaction hands over. Resolves with its version when it is durable. A transaction
   * without writes waits too if it may have read what is not durable yet.
   */
  add(request: CommitRequest): Promise<Version> {
    const isRead = isEmpty(request);
    const group = isRead && this.#pending.length === 0 ? this.#committed : this.#pending;
    if (isRead && group.length === 0) return Promise.resolve(this.version);
    return new Promise((resolve, reject) => {
      const version = isRead ? this.version : nextVersion(this.#lastVersion, this.#hooks.clock());
      const { adds = [], touched = touchesNothing } = request;
      const writes = stampedWrites(request, () => stampOf(version));
      try {
        this.#apply(writes, adds);
      } catch (error) {
        this.#undoAllButPending();
        reject(this.#hooks.translate(error));
        return;
      }
      if (this.#pending.length === 0) this.#pendingSinceMs = performance.now();
      if (!isRead) this.#lastVersion = version;
      group.push({ version, isOwn: true, isEmpty: isRead, writes, adds, touched, resolve, reject });
    });
  }

  /**
   * Called between two transactions. A group is committed at once when nobody else is known to come; otherwise when it is
   * old enough, when the event loop gets to turn, or when the flush under way has ended: no timer is involved.
   */
  handOver(isSomebodyWaiting: boolean): void {
    if (this.#pending.length === 0 || this.#flushing !== undefined) return;
    const mayOthersCome = isSomebodyWaiting || this.#pace.isShared;
    if (!mayOthersCome || performance.now() - this.#pendingSinceMs >= maxGroupAgeMs) this.#commitGroup();
    else this.#commitSoon ??= setImmediate(() => this.#commitGroup());
  }

  /** Resolves when everything that was applied is acknowledged or rejected. Nothing may be applied meanwhile. */
  async finish(): Promise<void> {
    this.#commitGroup();
    while (this.#flushing !== undefined) await this.#flushing;
  }

  /** Ends the SQLite transaction of which nothing is left but reads: the next read begins another one. */
  endReading(): void {
    if (this.#isOpen && !this.#isDirty) this.#rollback();
  }

  /** Commits the group that has gathered, unless a flush is under way, which does so when it ends. */
  #commitGroup(): void {
    clearImmediate(this.#commitSoon);
    this.#commitSoon = undefined;
    if (this.#pending.length === 0 || this.#flushing !== undefined) return;
    const isFlushedBeside = !this.#pace.mayBlock(this.#hooks.isDiskBusy());
    try {
      this.#assertIntact();
      this.#hooks.beforeCommit(isFlushedBeside);
      this.#writeVersion(this.version);
      this.#commit();
    } catch (error) {
      this.#rollback();
      this.#fail(this.#hooks.translate(error));
      return;
    }
    this.#isOpen = false;
    this.#isDirty = false;
    this.#committed = this.#pending;
    this.#pending = [];
    if (isFlushedBeside) this.#flushing = this.#flushBeside();
    else this.#flushNow();
  }

  #flushNow(): void {
    const startedMs = performance.now();
    try {
      this.#pace.block(() => this.#log.flushNow(), this.#committed.length);
      this.#countFlush(performance.now() - startedMs);
    } catch (error) {
      this.#stop(error);
      return;
    }
    this.#acknowledge();
  }

  async #flushBeside(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#log.flush();
    } catch (error) {
      this.#flushing = undefined;
      this.#stop(error);
      return;
    }
    const tookMs = performance.now() - startedMs;
    this.#countFlush(tookMs);
    this.#pace.endedBeside(tookMs, this.#committed.length, this.#pending.length);
    this.#flushing = undefined;
    this.#acknowledge();
    this.#commitGroup();
  }

  #countFlush(tookMs: number): void {
    this.#flushes++;
    this.#flushMs += tookMs;
  }

  #acknowledge(): void {
    const group = this.#committed;
    this.#durableVersion = group.at(-1)?.version ?? this.#durableVersion;
    this.#committed = [];
    this.#hooks.onDurable(group.filter((commit) => !commit.isEmpty));
    for (const { resolve, version } of group) resolve(version);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#begin();
    this.#isOpen = true;
  }

  #apply(writes: readonly Write[], adds: readonly Add[]): void {
    if (writes.length === 0 && adds.length === 0) return;
    if (this.#isDirty) this.#assertIntact();
    else this.#hooks.beforeWrites();
    this.#open();
    this.#isDirty = true;
    for (const [key, value] of writes) {
      if (value === undefined) this.#delete(key);
      else this.#put(key, seal(key, value));
      if (this.#sums.size > 0) this.#sums.delete(key);
    }
    for (const [key, by] of adds) {
      const sum = sumOf(this.#sums.get(key) ?? this.#reader.get(key), by);
      this.#put(key, seal(key, sum));
      if (this.#sums.size === mostSums) this.#sums.clear();
      this.#sums.set(key, sum);
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
      for (const { writes, adds } of this.#pending) this.#apply(writes, adds);
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

  /**
   * After a flush that failed the system may take what it could not write for written: a second one would succeed and prove
   * nothing. So there is no second one.
   */
  #stop(cause: unknown): void {
    this.#isStopped = true;
    this.#pending = [...this.#committed, ...this.#pending];
    this.#committed = [];
    clearImmediate(this.#commitSoon);
    this.#commitSoon = undefined;
    this.#rollback();
    this.#fail(stoppedError(cause));
  }

  #rollback(): void {
    this.#sums.clear();
    this.#isOpen = false;
    this.#isDirty = false;
    try {
      this.#connection.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back already, as it does when the disk is full.
    }
  }
}

function stoppedError(cause: unknown): TrueupError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TrueupError(
    "STORAGE_UNAVAILABLE",
    `The log could not be flushed to disk (${reason}), so nothing more is committed until the storage is opened anew.`,
    { reason },
    cause,
  );
}
