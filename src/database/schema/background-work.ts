/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them,
 * documents that lag behind a transform are written through, and what was dropped is cleared away. Each batch is a transaction that also records how far it came, so
 * work goes on after a crash where it stopped; writes meanwhile maintain an index that is being built, and
 * a batch and a write that meet are serialized by the storage.
 */
import { isTrueupError } from "../../errors/index.js";
import type { Database } from "../database.js";
import { pause } from "../pause.js";
import type { SettledTransform } from "../transforms/types.js";
import { buildNextBatch, clearNextBatch, writeThroughNextBatch, type Tried } from "./background-batches.js";

const retryAfterMs = 50;
/** How long a batch of the write-through takes, alone and with others who may have to wait for it. */
const batchAloneMs = 8;
const batchAmongOthersMs = 3;
/** The longest pause after a batch when there is live traffic. */
const maxYieldMs = 50;

type Work = "build" | "write through" | "clear" | "none";

/** Resolves once a batch that began after it was none of a build. */
interface Waiter {
  readonly since: number;
  readonly resolve: () => void;
}

export class BackgroundWork {
  readonly #database: Database;
  #running: Promise<void> | null = null;
  #isWoken = false;
  #isStopped = false;
  #failure: Error | null = null;
  #batches = 0;
  /** No transaction of others began while the last batch ran or after it. */
  #isAlone = true;
  #traffic = 0;
  #waiters: Waiter[] = [];
  readonly #tried: Tried = new Map();
  readonly #listeners = new Set<(settled: SettledTransform) => void>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** What made the work stop, until it is woken again; null when nothing did. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Looks for work to do, if it does not already. */
  wake(): void {
    this.#isWoken = true;
    if (this.#running !== null || this.#isStopped) return;
    this.#failure = null;
    this.#running = this.#run();
  }

  /** Resolves when there is nothing left to do. Rejects with what made the work stop. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Resolves when every index is built that can be, whatever else there is to do. Rejects with what made the
   * work stop.
   */
  async built(): Promise<void> {
    if (this.#running !== null) {
      await new Promise<void>((resolve) => {
        this.#waiters.push({ since: this.#batches, resolve });
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Calls the listener when transforms have retired; returns how to stop. */
  onSettled(listener: (settled: SettledTransform) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when the batch under way has ended; no other one begins. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isStopped) {
        this.#isWoken = false;
        while (!this.#isStopped && (await this.#runBatch())) {}
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#running = null;
      this.#release(Infinity);
    }
  }

  /** False when there is nothing to do. */
  async #runBatch(): Promise<boolean> {
    const batch = ++this.#batches;
    const began = performance.now();
    this.#look();
    try {
      const work = await this.#work();
      if (work !== "build") this.#release(batch);
      if (work === "none") return false;
      this.#look();
      const tookMs = performance.now() - began;
      await pause(this.#isAlone || work !== "write through" ? 0 : Math.min(tookMs, maxYieldMs));
    } catch (error) {
      if (!isTrueupError(error) || !error.retryable) throw error;
      await pause(retryAfterMs);
    }
    return true;
  }

  async #work(): Promise<Work> {
    const database = this.#database;
    if (await buildNextBatch(database)) return "build";
    const batchMs = this.#isAlone ? batchAloneMs : batchAmongOthersMs;
    if (await writeThroughNextBatch(database, this.#tried, batchMs, this.#settled)) return "write through";
    return (await clearNextBatch(database)) ? "clear" : "none";
  }

  #look(): void {
    const { begunTransactions } = this.#database;
    this.#isAlone = begunTransactions === this.#traffic;
    this.#traffic = begunTransactions;
  }

  readonly #settled = (settled: SettledTransform): void => {
    for (const listener of this.#listeners) listener(settled);
  };

  /** Lets those go on who began to wait before this batch did. */
  #release(batch: number): void {
    const released = this.#waiters.filter(({ since }) => since < batch);
    this.#waiters = this.#waiters.filter(({ since }) => since >= batch);
    for (const { resolve } of released) resolve();
  }
}
