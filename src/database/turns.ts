/**
 * What long work in the background has to know of the turns that transactions take: whether others share them, and how long it
 * keeps others waiting to hand a transaction over, which is to encode what it wrote and to apply it.
 */

// Taken at import: tests put clocks that stand still in place of the global ones.
const nowMs: () => number = performance.now.bind(performance);

/** How many milliseconds this process has had of the processor. Unlike the clock it does not say how busy the machine is. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** For so long after somebody has waited for a turn, turns count as shared: whoever comes now and then meets no long one. */
const sharedForMs = 30_000;
/** How much of what was seen before each commit still counts. */
const memory = 0.9;
/** Transactions with fewer changes are not measured. */
const fewestChanges = 100;

export class Turns {
  readonly #isAwaited: () => boolean;
  #awaitedAtMs = -Infinity;
  #handOverMs = 0;
  #changes = 0;

  /** @param isAwaited Whether a transaction waits for the one that has its turn. */
  constructor(isAwaited: () => boolean) {
    this.#isAwaited = isAwaited;
  }

  /** Whether a transaction waits for its turn, or one has lately. */
  get areShared(): boolean {
    this.#look();
    return nowMs() - this.#awaitedAtMs < sharedForMs;
  }

  /**
   * To be called when a transaction that made so many changes has ended, before it is handed over. Returns what to call
   * afterwards.
   */
  beginHandOver(changes: number): () => void {
    this.#look();
    // To ask the processor costs as much as a small transaction does.
    if (changes < fewestChanges) return () => {};
    const beganAtMs = processorMs();
    return () => {
      this.#handOverMs = this.#handOverMs * memory + processorMs() - beganAtMs;
      this.#changes = this.#changes * memory + changes;
    };
  }

  /**
   * About how many milliseconds of the processor it takes to hand over so many changes, judging by the transactions before; 0
   * while nothing is known. Only transactions of some size are measured, because a forecast is of use to those only.
   */
  commitMs(changes: number): number {
    return this.#changes === 0 ? 0 : (changes * this.#handOverMs) / this.#changes;
  }

  #look(): void {
    if (this.#isAwaited()) this.#awaitedAtMs = nowMs();
  }
}
