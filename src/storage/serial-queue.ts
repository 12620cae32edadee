/**
 * The queue in which transactions of a serial storage wait for their turn: first come, first served, one
 * at a time. Handing over costs a microtask, never a timer; a turn nobody waits for is taken at once.
 */
import { TrueupError } from "../errors/index.js";

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: TrueupError) => void;
}

export class SerialQueue {
  #busy = false;
  #waiting: Waiting[] = [];
  /** Where the next one to be served stands in `#waiting`: shifting an array is O(n). */
  #next = 0;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  /** Whether somebody waits while another one has its turn. */
  get hasWaiting(): boolean {
    return this.#next < this.#waiting.length;
  }

  /**
   * Resolves when it is the caller's turn, which lasts until `leave`.
   * @throws STORAGE_CLOSED once `close` was called.
   */
  async enter(): Promise<void> {
    if (this.#closing !== undefined) throw new TrueupError("STORAGE_CLOSED");
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    await new Promise<void>((begin, refuse) => {
      this.#waiting.push({ begin, refuse });
    });
  }

  /** Ends the turn; the next one's begins. */
  leave(): void {
    const next = this.#waiting[this.#next];
    if (next !== undefined) {
      this.#next++;
      if (this.#next === this.#waiting.length) {
        this.#waiting = [];
        this.#next = 0;
      } else if (this.#next >= 1024) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      next.begin();
      return;
    }
    this.#busy = false;
    this.#whenIdle?.();
  }

  /**
   * Refuses whoever waits and whoever comes later; resolves when the current turn, if any, has ended.
   * Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      const refused = this.#waiting.slice(this.#next);
      this.#waiting = [];
      this.#next = 0;
      for (const waiting of refused) waiting.refuse(new TrueupError("STORAGE_CLOSED"));
      this.#whenIdle = resolve;
      if (!this.#busy) resolve();
    });
    return this.#closing;
  }
}
