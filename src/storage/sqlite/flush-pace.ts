/**
 * Decides how the next flush of the log is waited for. In a thread of Node's pool it leaves the event loop free and lets
 * commits gather meanwhile; on the event loop it costs no hop between threads, which a lone caller on a quick disk notices.
 * Whether a caller is alone shows only when a flush leaves the loop free, so every so often one does.
 */

/** Above this, the event loop is not to wait for the disk. */
const quickMs = 1;
/** So many flushes in a row may block before one looks whether others came meanwhile. */
const maxBlocking = 8;
/** The weight of the last flush in the mean. */
const weight = 1 / 8;

export class FlushPace {
  #meanMs: number;
  #blockingLeft: number = maxBlocking;
  #isShared = false;

  /** @param firstMs How long a flush took just now. */
  constructor(firstMs: number) {
    this.#meanMs = firstMs;
  }

  /** Whether others are expected to commit as well before the event loop has turned. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Whether the flush of a group of so many commits may block the event loop. To be asked once for each. */
  mayBlock(commits: number): boolean {
    if (this.#isShared || commits > 1 || this.#meanMs > quickMs || this.#blockingLeft === 0) return false;
    this.#blockingLeft--;
    return true;
  }

  /** Runs a flush that blocks, and notes how long it took. */
  time(flush: () => void): void {
    const startedMs = performance.now();
    flush();
    this.#note(performance.now() - startedMs);
  }

  /** A flush that left the event loop free has ended: it served so many commits, and so many came meanwhile. */
  endedBeside(tookMs: number, served: number, gathered: number): void {
    this.#note(tookMs);
    this.#isShared = served > 1 || gathered > 0;
    this.#blockingLeft = maxBlocking;
  }

  #note(tookMs: number): void {
    this.#meanMs += weight * (tookMs - this.#meanMs);
  }
}
