/**
 * Makes room for live writes between two steps of work. The event loop turns once in any case; where others have committed
 * since the last time, the work then rests as long as its step took, so that they have the database for half of the time.
 */
import type { Database } from "../database/index.js";

const longestRestMs = 100;

export class LiveWrites {
  readonly #stopListening: () => void;
  #commits = 0;

  constructor(database: Database) {
    this.#stopListening = database.onCommit(() => {
      this.#commits += 1;
    });
  }

  /** Runs a step, one commit at most, and then lets others have their turn. */
  async letThroughAfter(step: () => Promise<void>): Promise<void> {
    const before = this.#commits;
    const beganAtMs = performance.now();
    await step();
    const stepMs = performance.now() - beganAtMs;
    await turn();
    if (this.#commits - before > 1) await rest(Math.min(stepMs, longestRestMs));
  }

  stop(): void {
    this.#stopListening();
  }
}

/** Lets sockets, timers and writers have a turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
