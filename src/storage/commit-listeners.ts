/**
 * Tells listeners of commits, synchronously and in the order of their subscription. When one throws, the others are still
 * called and the commit stands; the error surfaces as an uncaught exception, because it is a defect of the listener.
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
