/**
 * Who wants to hear of commits. Listeners are called in the order of their subscription, synchronously; one
 * that throws is a defect of its own: the others are still called, the commit stands, and the error surfaces as
 * an uncaught exception instead of disappearing.
 */
import type { Commit } from "./storage.js";

export class CommitListeners {
  readonly #listeners = new Set<(commit: Commit) => void>();

  /** Adds a listener, as often as it is asked to. Returns how to remove it. */
  add(listener: (commit: Commit) => void): () => void {
    const own = (commit: Commit): void => listener(commit);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  notify(commit: Commit): void {
    for (const listener of this.#listeners) {
      try {
        listener(commit);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
