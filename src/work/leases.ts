/**
 * Which of the processes that share a storage does which work that nobody calls. Each process is registered, and raises its beat
 * every 3 seconds; all of its leases live by that beat. A process whose beat has stood still for 10 seconds of another one's own
 * time is taken off, and its leases are free: each is taken by the process that it belongs to among those that are left. A
 * process that comes gets the leases that belong to it from those who have them. A process that stops takes itself off.
 *
 * No clocks are compared, and none has to be right: work reads its lease's term in its own transaction, so that it commits
 * nothing once the lease has passed on, however long its process slept. The times only say how soon another one goes on.
 *
 * On a storage that is not shared this process has every lease, and nothing is read or written for it.
 */
import { randomUUID } from "node:crypto";
import type { Commit, MaybePromise, Storage, StorageTransaction, Write } from "../storage/storage.js";
import { steadyClock, type Clock } from "./clock.js";
import {
  beatKey,
  isLeaseKey,
  leaseEntries,
  LeaseView,
  noTerm,
  otherText,
  processKey,
  readTerm,
  termKey,
  termText,
  workerText,
  type LeaseReader,
} from "./lease-entries.js";
import { LeaseLost, thisProcess, WorkLoop, type Owner } from "./work-loop.js";

/** A piece of work that one process does at a time. */
export interface Lease extends Owner {
  readonly name: string;
  /** Whether this process has the lease in a transaction, which does not commit unless that is so then, too. */
  isHeldIn(tx: LeaseReader): MaybePromise<boolean>;
}

export interface LeaseOptions {
  /** Where no process runs what is scheduled, any process takes it. */
  readonly isForAll?: boolean;
}

export const beatEveryMs = 3_000;
/** How long after its last acknowledged beat a process still begins work. */
const workForMs = 7_000;
/** How long a beat stands still until its process is taken off. */
export const expireAfterMs = 10_000;
const firstRetryMs = 20;
const maxRetryMs = 1_000;
const quiet = { keys: [], prefixes: [], isQuiet: true } as const;

/** @throws LeaseLost when this process has the lease no more */
export async function assertHeld(lease: Lease, tx: LeaseReader): Promise<void> {
  if (!(await lease.isHeldIn(tx))) throw new LeaseLost(lease.name);
}

export class Leases {
  /** Whether other processes share the storage. */
  readonly isShared: boolean;
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #loop: WorkLoop;
  readonly #leases = new Map<string, SharedLease>();
  readonly #goneListeners = new Set<() => void>();
  #view = new LeaseView();
  /** What was heard since the view began to be read; null once it has been. */
  #heard: Commit[] | null = [];
  /** Under which name this process is registered; another one each time after it was taken off. */
  #process: string | null = null;
  #isWorker = false;
  /** By its own clock, when the last beat that was acknowledged had been handed over. */
  #beatAtMs = -Infinity;
  #beats = 0;
  /** Something has changed after which leases may have to be taken or passed on. */
  #isStale = true;
  #stopListening: () => void = () => {};

  constructor(storage: Storage, clock: Clock = steadyClock) {
    const { serialTransactions, shared } = storage.capabilities;
    this.isShared = shared || !serialTransactions;
    this.#storage = storage;
    this.#clock = clock;
    this.#loop = new WorkLoop(
      {
        nextAtMs: () => this.#nextAtMs(),
        step: () => this.#step(),
        retryAfterMs: (_error, attempts) =>
          Math.random() * Math.min(firstRetryMs * 2 ** attempts, maxRetryMs),
      },
      { clock },
    );
  }

  /** Registers this process, and takes the leases that belong to it. */
  start(): void {
    if (!this.isShared) return;
    this.#stopListening = this.#storage.onCommit((commit) => this.#hear(commit));
    this.#loop.start();
  }

  /** Takes this process off, so that others go on at once. Its work has to be over. Idempotent. */
  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
    const process = this.#process;
    if (process === null) return;
    this.#process = null;
    try {
      await this.#commit(() =>
        Promise.resolve([
          [processKey(process), undefined],
          [beatKey(process), undefined],
        ]),
      );
    } catch {
      // Others take it off when its beat stands still.
    }
  }

  /** From here on this process runs what is scheduled. */
  work(): void {
    if (this.#isWorker || !this.isShared) return;
    this.#isWorker = true;
    this.#beatAtMs = -Infinity;
    this.#loop.wake();
  }

  /** A lease by its name, the same in all processes. */
  lease(name: string, { isForAll = false }: LeaseOptions = {}): Lease {
    if (!this.isShared) return { ...thisProcess, name, isHeldIn: () => true };
    let lease = this.#leases.get(name);
    if (lease === undefined) {
      lease = new SharedLease(name, isForAll, {
        holds: () => this.#holds(name),
        process: () => this.#process,
      });
      this.#leases.set(name, lease);
      this.#isStale = true;
      this.#loop.wake();
    }
    return lease;
  }

  /**
   * The name of this process, which is registered as of the transaction's commit; "" where no other shares the storage.
   * @throws LeaseLost when it is not registered
   */
  async processIn(tx: LeaseReader): Promise<string> {
    if (!this.isShared) return "";
    const process = this.#process;
    if (process === null || !(await this.isAlive(tx, process))) throw new LeaseLost("process");
    return process;
  }

  /** Whether a process is taken to be alive. */
  async isAlive(tx: LeaseReader, process: string): Promise<boolean> {
    return process === "" ? !this.isShared : (await tx.leaseEntry(processKey(process))) !== undefined;
  }

  /** Calls the listener after a process was taken off, by whomever. */
  onGone(listener: () => void): void {
    this.#goneListeners.add(listener);
  }

  #holds(name: string): boolean {
    const process = this.#process;
    return (
      process !== null &&
      this.#view.terms.get(name)?.owner === process &&
      this.#clock.now() - this.#beatAtMs < workForMs
    );
  }

  #nextAtMs(): number {
    if (this.#isStale || this.#heard !== null || this.#process === null) return 0;
    let nextMs = this.#beatAtMs + beatEveryMs;
    for (const [name, { seenAtMs }] of this.#view.processes) {
      if (name !== this.#process) nextMs = Math.min(nextMs, seenAtMs + expireAfterMs);
    }
    return nextMs;
  }

  async #step(): Promise<void> {
    if (this.#heard !== null) await this.#read();
    const nowMs = this.#clock.now();
    if (this.#process === null || this.#beatAtMs + beatEveryMs <= nowMs) await this.#beat();
    for (const [name, { beat, seenAtMs }] of this.#view.processes) {
      if (name !== this.#process && seenAtMs + expireAfterMs <= nowMs) await this.#takeOff(name, beat);
    }
    if (!this.#isStale) return;
    this.#isStale = false;
    try {
      await this.#passOn();
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  /** Reads all entries, and follows what was heard meanwhile. */
  async #read(): Promise<void> {
    this.#heard = [];
    const snapshot = await this.#storage.snapshot();
    const view = new LeaseView();
    const nowMs = this.#clock.now();
    try {
      for (const [key, value] of await snapshot.scan(leaseEntries)) view.note(key, value, nowMs);
    } finally {
      snapshot.release();
    }
    const heard = this.#heard;
    this.#heard = null;
    this.#view = view;
    for (const commit of heard) if (commit.version > snapshot.version) this.#follow(commit);
    this.#isStale = true;
  }

  #hear(commit: Commit): void {
    if (!commit.writes.some(([key]) => isLeaseKey(key))) return;
    if (this.#heard === null) this.#follow(commit);
    else this.#heard.push(commit);
    this.#loop.wake();
  }

  #follow(commit: Commit): void {
    const known = this.#view.processes.size;
    const nowMs = this.#clock.now();
    for (const [key, value] of commit.writes) {
      if (!isLeaseKey(key)) continue;
      // A value that was too long to be told is none of ours.
      if (value !== null) this.#view.note(key, value, nowMs);
      if (!key.startsWith(beatKey(""))) this.#isStale = true;
    }
    this.#tellGained();
    if (this.#view.processes.size < known) for (const listener of this.#goneListeners) listener();
  }

  #tellGained(): void {
    for (const lease of this.#leases.values()) lease.look();
  }

  /** Registers this process unless it is; raises its beat. */
  async #beat(): Promise<void> {
    const atMs = this.#clock.now();
    const registered = this.#process;
    const process = registered ?? randomUUID();
    const text = this.#isWorker ? workerText : otherText;
    const isKnown = await this.#commit(async (tx, reads) => {
      if (registered !== null) {
        reads.add(processKey(process));
        const found = await tx.get(processKey(process));
        // It was taken off while it slept.
        if (found === undefined) return null;
        const beat: Write = [beatKey(process), String(++this.#beats)];
        return found === text ? [beat] : [[processKey(process), text], beat];
      }
      return [
        [processKey(process), text],
        [beatKey(process), String(++this.#beats)],
      ];
    });
    // Another name is another process, to all others.
    this.#process = isKnown ? process : null;
    this.#beatAtMs = isKnown ? atMs : -Infinity;
    this.#isStale = true;
    this.#tellGained();
    if (!isKnown) await this.#beat();
  }

  /** Takes a process off whose beat still stands where it stood. */
  async #takeOff(process: string, beat: string): Promise<void> {
    await this.#commit(async (tx, reads) => {
      reads.add(beatKey(process));
      const found = await tx.get(beatKey(process));
      if (found !== undefined && found !== beat) return null;
      return [
        [processKey(process), undefined],
        [beatKey(process), undefined],
      ];
    });
    // Where nothing was taken off, the feed is behind: it brings the news, and until then nothing is tried again.
    const known = this.#view.processes.get(process);
    if (known !== undefined) known.seenAtMs = this.#clock.now();
  }

  /** Takes what belongs to this process and nobody has, and gives up what belongs to another one. */
  async #passOn(): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    const changes: { readonly name: string; readonly isTaken: boolean }[] = [];
    for (const { name, isForAll } of this.#leases.values()) {
      const { owner } = this.#view.terms.get(name) ?? noTerm;
      const isMine = this.#view.belongsTo(name, isForAll) === process;
      if (isMine ? !this.#view.processes.has(owner) : owner === process) {
        changes.push({ name, isTaken: isMine });
      }
    }
    if (changes.length === 0) return;
    await this.#commit(async (tx, reads) => {
      const writes: Write[] = [];
      if ((await this.#readIn(tx, reads, processKey(process))) === undefined) return null;
      for (const { name, isTaken } of changes) {
        const { number, owner } = readTerm(await this.#readIn(tx, reads, termKey(name)));
        const isFree = (await this.#readIn(tx, reads, processKey(owner))) === undefined;
        const next = { number: number + 1, owner: isTaken ? process : "" };
        if (isTaken ? isFree : owner === process) writes.push([termKey(name), termText(next)]);
      }
      return writes;
    });
  }

  async #readIn(tx: StorageTransaction, reads: Set<string>, key: string): Promise<string | undefined> {
    reads.add(key);
    return await tx.get(key);
  }

  /** Commits what `run` answers; false when that is null. */
  async #commit(
    run: (tx: StorageTransaction, reads: Set<string>) => Promise<readonly Write[] | null>,
  ): Promise<boolean> {
    const tx = await this.#storage.begin();
    const keys = new Set<string>();
    let writes: readonly Write[] | null;
    try {
      writes = await run(tx, keys);
    } catch (error) {
      tx.rollback();
      throw error;
    }
    await tx.commit({ writes: writes ?? [], reads: { keys, ranges: [] }, touched: () => quiet });
    return writes !== null;
  }
}

interface Holder {
  readonly holds: () => boolean;
  readonly process: () => string | null;
}

class SharedLease implements Lease {
  readonly name: string;
  readonly isForAll: boolean;
  readonly #of: Holder;
  readonly #listeners = new Set<() => void>();
  #wasHeld = false;

  constructor(name: string, isForAll: boolean, of: Holder) {
    this.name = name;
    this.isForAll = isForAll;
    this.#of = of;
  }

  holds(): boolean {
    const isHeld = this.#of.holds();
    // Whoever was told no is called when it is gained again.
    if (!isHeld) this.#wasHeld = false;
    return isHeld;
  }

  onGained(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.holds()) listener();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async isHeldIn(tx: LeaseReader): Promise<boolean> {
    const process = this.#of.process();
    return process !== null && readTerm(await tx.leaseEntry(termKey(this.name))).owner === process;
  }

  /** Looks whether it is held, and tells of it where it was not. */
  look(): void {
    const wasHeld = this.#wasHeld;
    if (!this.holds()) return;
    this.#wasHeld = true;
    if (!wasHeld) for (const listener of this.#listeners) listener();
  }
}
