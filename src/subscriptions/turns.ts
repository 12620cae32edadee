/**
 * Does small things one after the other in the order in which they came, and lets the event loop turn before the first of them
 * and every few milliseconds: thousands of clients may have something to be told at once.
 */
import { pause } from "../work/index.js";

const maxTurnMs = 5;

export class Turns {
  #waiting: (() => void)[] = [];
  #isRunning = false;

  /** Calls back when those before it have been called. */
  add(task: () => void): void {
    this.#waiting.push(task);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => this.add(resolve));
  }

  async #run(): Promise<void> {
    await pause(0);
    let turnedAtMs = performance.now();
    while (this.#waiting.length > 0) {
      const tasks = this.#waiting;
      this.#waiting = [];
      for (const task of tasks) {
        if (performance.now() - turnedAtMs > maxTurnMs) {
          await pause(0);
          turnedAtMs = performance.now();
        }
        task();
        // What the task has set going runs before the next one.
        await Promise.resolve();
      }
    }
    this.#isRunning = false;
  }
}
