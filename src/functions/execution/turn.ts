/**
 * Keeps order within one function of a mutation. Its writes and nested calls may all be started together (`Promise.all`), but
 * each nested call is a sub-transaction that can be undone alone. So they take turns, in the order in which they were
 * started, and reads wait while a write or a nested call has its turn.
 *
 * Whoever enters holds the turn until it leaves. `enter` and `free` return a promise only when there is something to wait for,
 * so they cost nothing where calls are awaited one by one.
 */

/** The execution whose turns these are. */
export interface TurnOwner {
  /** Whether the running code was called, however deeply, by whoever holds the turn. */
  isInside(): boolean;
}

export class Turn {
  readonly #owner: TurnOwner;
  #isTaken = false;
  #waiting: ((entered: boolean) => void)[] | null = null;

  constructor(owner: TurnOwner) {
    this.#owner = owner;
  }

  /** Begins a turn when those before it have left. False means that the code runs inside a turn: then it must not leave. */
  enter(): boolean | Promise<boolean> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      return true;
    }
    if (this.#owner.isInside()) {
      return false;
    }
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  /** Ends a turn that was entered. */
  leave(): void {
    const next = this.#waiting?.shift();
    if (next === undefined) {
      this.#isTaken = false;
    } else {
      next(true);
    }
  }

  /** Null when nobody else has the turn, else a promise that resolves when that is so. */
  free(): Promise<void> | null {
    return !this.#isTaken || this.#owner.isInside() ? null : this.#untilFree();
  }

  async #untilFree(): Promise<void> {
    const entered = await this.enter();
    if (entered) {
      this.leave();
    }
  }
}
