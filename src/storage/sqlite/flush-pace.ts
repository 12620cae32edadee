/**
 * Decides how the next flush of the log is waited for. In a thread of Node's pool it leaves the event loop free and lets
 * commits gather meanwhile; on the event loop it costs no hop between threads, which shows on a quick disk, and is as good when
 * nobody comes meanwhile. Whether somebody does shows only when a flush leaves the loop free, so every so often one does.
 */

/** Above this, the event loop is not to wait for the disk. */
const quickMs = 1;
/** For so long flushes may block in all before one looks whether others come: it may be one stop of the event loop. */
const maxBlockedMs = 8;
/** More of one flush does not count: on a busy machine threads wait for the processor, however quick the disk is. */
const maxCountedMs: number = 2 * quickMs;
/** The weight of the last flush in the mean. */
const weight = 1 / 8;

export class FlushPace {
  #meanMs: number;
  #blockedMs = 0;
  /** Commits came while the last flush left the event loop free. */
  #isCrowded = false;
  #isShared = false;

  /** @param firstMs How long a flush took just now. */
  constructor(firstMs: number) {
    this.#meanMs = firstMs;
  }

  /** Whether others are expected to commit as well before the event loop has turned. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Whether the next flush may block the event loop. */
  get mayBlock(): boolean {
    return !this.#isCrowded && this.#meanMs <= quickMs && this.#blockedMs < maxBlockedMs;
  }

  /** Runs a flush that blocks, of so many commits, and notes how long it took. */
  block(flush: () => void, served: number): void {
    const startedMs = performance.now();
    flush();
    const tookMs = performance.now() - startedMs;
    this.#note(tookMs);
    this.#blockedMs += tookMs;
    if (served > 1) this.#isShared = true;
  }

  /** A flush that left the event loop free has ended: it served so many commits, and so many came meanwhile. */
  endedBeside(tookMs: number, served: number, gathered: number): void {
    this.#note(tookMs);
    this.#blockedMs = 0;
    this.#isCrowded = gathered > 0;
    this.#isShared = served > 1 || gathered > 0;
  }

  #note(tookMs: number): void {
    this.#meanMs += weight * (Math.min(tookMs, maxCountedMs) - this.#meanMs);
  }
}
