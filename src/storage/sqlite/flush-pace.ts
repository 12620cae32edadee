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

/** How a group of commits is gathered, and how the flush that makes it durable is waited for. */
export interface Pace {
  /** Whether others are expected to commit as well before the event loop has turned. */
  readonly isShared: boolean;
  /** Whether the next flush may block the event loop, while the disk has other work of the storage or while it has none. */
  mayBlock(isDiskBusy: boolean): boolean;
  /** Runs a flush that blocks, of so many commits. */
  block(flush: () => void, served: number): void;
  /** A flush that left the event loop free has ended: it served so many commits, and so many came meanwhile. */
  endedBeside(tookMs: number, served: number, gathered: number): void;
}

export class FlushPace implements Pace {
  #meanMs: number;
  #blockedMs = 0;
  /** Commits came while the last flush left the event loop free. */
  #isCrowded = false;
  #isShared = false;

  /** @param firstMs How long a flush took just now. */
  constructor(firstMs: number) {
    this.#meanMs = firstMs;
  }

  get isShared(): boolean {
    return this.#isShared;
  }

  mayBlock(isDiskBusy: boolean): boolean {
    return !isDiskBusy && !this.#isCrowded && this.#meanMs <= quickMs && this.#blockedMs < maxBlockedMs;
  }

  block(flush: () => void, served: number): void {
    const startedMs = performance.now();
    flush();
    const tookMs = performance.now() - startedMs;
    this.#note(tookMs);
    this.#blockedMs += tookMs;
    if (served > 1) this.#isShared = true;
  }

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

/** Of so many commits that came alone, one waits for the event loop to turn, to see whether others come with it. */
const lookEvery = 32;

/** The pace where commits are acknowledged without a flush: they share a COMMIT when they come in one turn of the event loop. */
export class UnflushedPace implements Pace {
  #isShared = false;
  #alone = 0;

  get isShared(): boolean {
    return this.#isShared || this.#alone % lookEvery === 0;
  }

  mayBlock(): boolean {
    return true;
  }

  block(_flush: () => void, served: number): void {
    this.#isShared = served > 1;
    this.#alone = this.#isShared ? 0 : this.#alone + 1;
  }

  endedBeside(): void {}
}
