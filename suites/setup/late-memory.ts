/** A storage in memory that several have open, whose answers and news come some turns of the event loop late. */
import { sharedMemory } from "../../src/storage/memory/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { seededRandom } from "./random.js";

export class LateMemory {
  readonly random: () => number;
  readonly open: OpenStorage;

  /** @param mostTurns That each step of an opening takes. */
  constructor(seed: number, mostTurns = 4) {
    this.random = seededRandom(seed);
    this.open = sharedMemory({ before: () => later(1 + Math.floor(this.random() * mostTurns)) }).open;
  }
}

function later(turns: number): Promise<void> {
  return turns === 0
    ? Promise.resolve()
    : new Promise((resolve) => {
        setImmediate(() => resolve(later(turns - 1)));
      });
}
