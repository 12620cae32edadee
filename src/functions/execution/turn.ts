/**
 * Keeps order within one function of a mutation. Its writes and nested calls may be started all at once
 * (`Promise.all`), but each nested call is a sub-transaction that can be undone alone, so they take turns,
 * in the order they were started. Reads run at once, except that they wait while another has its turn.
 *
 * Who enters holds the turn until it leaves; `enter` and `free` return a promise only when there is
 * something to wait for, which costs nothing where calls are awaited one by one.
 */

/** Says whether the code that runs now was called, however deeply, by whoever holds the turn. */
export interface TurnOwner {
  isInside(): boolean;
}

export class Turn {
  readonly #owner: TurnOwner;
  #isTaken = false;
  #waiting: ((entered: boolean) => void)[] | null = null;

  constructor(owner: TurnOwner) {
    this.#owner = owner;
  }

  /** Begins a turn when those before it have left. False, now or later: inside a turn, so do not leave. */
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

  /** Nothing when nobody else has the turn, else a promise of that moment. */
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
