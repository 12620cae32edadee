/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them,
 * and what was dropped is cleared away. Each batch is a transaction that also records how far it came, so
 * work goes on after a crash where it stopped; writes meanwhile maintain an index that is being built, and
 * a batch and a write that meet are serialized by the storage.
 */
import { isTrueupError } from "../../errors/index.js";
import type { Database } from "../database.js";
import { pause } from "../pause.js";
import { buildNextBatch, clearNextBatch } from "./background-batches.js";

const RETRY_AFTER_MS = 50;

export class BackgroundWork {
  readonly #database: Database;
  #running: Promise<void> | null = null;
  #isWoken = false;
  #isStopped = false;
  #failure: Error | null = null;

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

  /** Resolves when the batch under way has ended; no other one begins. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isStopped) {
        this.#isWoken = false;
        while (!this.#isStopped && (await this.#runBatch())) await pause(0);
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#running = null;
    }
  }

  /** False when there is nothing to do. */
  async #runBatch(): Promise<boolean> {
    try {
      return (await buildNextBatch(this.#database)) || (await clearNextBatch(this.#database));
    } catch (error) {
      if (!isTrueupError(error) || !error.retryable) throw error;
      await pause(RETRY_AFTER_MS);
      return true;
    }
  }
}
