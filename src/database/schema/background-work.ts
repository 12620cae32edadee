/**
 * What goes on behind the transactions: indexes are filled in for the documents that were there before them, documents
 * that lag behind a transform are written through, and what was dropped is cleared away. Each batch is a transaction that
 * also records how far it came, so work goes on after a crash where it stopped. Writes meanwhile maintain an index that is being
 * built, and a batch and a write that meet are serialized by the storage. Builds come first, and rest for nobody: deploys wait
 * for them.
 */
import { isTrueupError } from "../../errors/index.js";
import { platformClock, WorkLoop, type Others, type Work } from "../../work/index.js";
import type { Database } from "../database.js";
import type { SettledTransform } from "../transforms/types.js";
import { buildNextBatch, clearNextBatch, writeThroughNextBatch, type Tried } from "./background-batches.js";

const retryAfterMs = 50;
/** How long a batch of the write-through takes, alone and with others who may have to wait for it. */
const batchAloneMs = 8;
const batchAmongOthersMs = 3;
/** The longest pause after a batch of the write-through when there is live traffic. */
const maxRestMs = 50;

type Batch = "build" | "write through" | "clear" | "none";

export class BackgroundWork implements Work {
  readonly others: Others;
  readonly #database: Database;
  readonly #loop: WorkLoop;
  #isDue = false;
  #begunBatches = 0;
  /** The number of the last batch that found no index to build. */
  #lastWithoutBuild = 0;
  #lastBatch: Batch = "none";
  readonly #tried: Tried = new Map();
  readonly #listeners = new Set<(settled: SettledTransform) => void>();

  constructor(database: Database) {
    this.#database = database;
    const restMs = (): number => (this.#lastBatch === "write through" ? maxRestMs : 0);
    this.others = {
      count: () => database.begunTransactions,
      ownPerStep: 0,
      get maxRestMs() {
        return restMs();
      },
    };
    this.#loop = new WorkLoop(this, { clock: platformClock });
    this.#loop.start();
  }

  /** Looks for work to do. */
  wake(): void {
    this.#isDue = true;
    this.#loop.wake();
  }

  /** Resolves when there is nothing left to do. Rejects with what made the work stop. */
  async whenIdle(): Promise<void> {
    await this.#loop.whenDone();
  }

  /**
   * Resolves when every index is built that can be, whatever else there is to do. Rejects with what made the
   * work stop.
   */
  async whenBuilt(): Promise<void> {
    const since = this.#begunBatches;
    while (!this.#loop.isDone && this.#lastWithoutBuild <= since) await this.#loop.whenStepped();
    this.#loop.throwFailure();
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
    await this.#loop.stop();
  }

  nextAtMs(): number {
    return this.#isDue ? 0 : Infinity;
  }

  async step(isAlone: boolean): Promise<void> {
    const number = ++this.#begunBatches;
    // A commit that makes more work, from here on, says so by waking.
    this.#isDue = false;
    this.#lastBatch = await this.#runBatch(isAlone ? batchAloneMs : batchAmongOthersMs);
    if (this.#lastBatch !== "build") this.#lastWithoutBuild = number;
    if (this.#lastBatch !== "none") this.#isDue = true;
  }

  retryAfterMs(error: unknown): number | null {
    this.#isDue = true;
    return isTrueupError(error) && error.retryable ? retryAfterMs : null;
  }

  async #runBatch(writeThroughMs: number): Promise<Batch> {
    const database = this.#database;
    if (await buildNextBatch(database)) return "build";
    const wroteThrough = await writeThroughNextBatch(database, this.#tried, writeThroughMs, this.#settled);
    if (wroteThrough) return "write through";
    return (await clearNextBatch(database)) ? "clear" : "none";
  }

  readonly #settled = (settled: SettledTransform): void => {
    for (const listener of this.#listeners) listener(settled);
  };
}
