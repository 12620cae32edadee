/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them,
 * and what was dropped is cleared away. Each batch is a transaction that also records how far it came, so
 * work goes on after a crash where it stopped; writes meanwhile maintain an index that is being built, and
 * a batch and a write that meet are serialized by the storage.
 */
import type { Database } from "../database.js";
import { pause } from "../pause.js";
import { buildNextBatch, clearNextBatch } from "./background-batches.js";

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
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#running = null;
      });
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
    while (this.#isWoken && !this.#isStopped) {
      this.#isWoken = false;
      let hasMore = true;
      while (hasMore && !this.#isStopped) {
        hasMore = (await buildNextBatch(this.#database)) || (await clearNextBatch(this.#database));
        if (hasMore) await pause(0);
      }
    }
  }
}
