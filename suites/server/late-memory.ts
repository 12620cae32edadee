/** A storage in memory that servers share, of which each hears what others did a while later, or when a test lets it. */
import type { OpenStorage } from "trueup";
import { sharedMemory } from "../../src/storage/memory/index.js";
import { pause } from "../../src/work/index.js";

const lagMs = 3;

export class LateMemory {
  /** Opens it once more. */
  readonly open: OpenStorage;
  /** Of openings that hear nothing: what lets their news go. */
  readonly #held = new Map<number, Promise<void>>();
  /** How many wait for news, by opening. */
  readonly #waiting: number[] = [];

  constructor() {
    const { open } = sharedMemory({
      before: async (step, opening) => {
        if (step !== "feed") return;
        await pause(lagMs);
        await this.#held.get(opening);
      },
    });
    this.open = async () => {
      const storage = await open();
      const opening = this.#waiting.push(0) - 1;
      const reached = storage.reached.bind(storage);
      storage.reached = async (version) => {
        this.#count(opening, 1);
        await reached(version);
        this.#count(opening, -1);
      };
      return storage;
    };
  }

  #count(opening: number, by: number): void {
    this.#waiting[opening] = this.waiting(opening) + by;
  }

  /** How many of an opening's callers wait for news. Openings are counted from 0. */
  waiting(opening: number): number {
    return this.#waiting[opening] ?? 0;
  }

  /** No news comes to an opening until the result is called. */
  hold(opening: number): () => void {
    let letGo = (): void => {};
    this.#held.set(opening, new Promise((resolve) => (letGo = resolve)));
    return () => {
      this.#held.delete(opening);
      letGo();
    };
  }
}
