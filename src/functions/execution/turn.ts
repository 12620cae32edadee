/**
 * Keeps order within one function of a mutation. Its writes and nested calls may be started all at once
 * (`Promise.all`), but each nested call is a sub-transaction that can be undone alone, so they take turns,
 * in the order they were started. Reads run at once, except that they wait while another has its turn.
 */

/** Says whether the code that runs now was called, however deeply, by whoever holds the turn. */
export type IsInside = () => boolean;

export class Turn {
  readonly #isInside: IsInside;
  #last: Promise<void> | null = null;

  constructor(isInside: IsInside) {
    this.#isInside = isInside;
  }

  /** Runs a write or a nested call when those started before it are done. */
  take<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#last !== null && this.#isInside()) {
      return operation();
    }
    const result = this.#last === null ? operation() : this.#last.then(operation);
    const done: Promise<void> = result.then(
      () => this.#release(done),
      () => this.#release(done),
    );
    this.#last = done;
    return result;
  }

  /** Runs a read as soon as nobody has the turn. */
  read<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#last === null || this.#isInside()) {
      return operation();
    }
    return this.drain().then(operation);
  }

  /** Resolves when nobody has the turn. */
  async drain(): Promise<void> {
    while (this.#last !== null) {
      await this.#last;
    }
  }

  #release(done: Promise<void>): void {
    if (this.#last === done) {
      this.#last = null;
    }
  }
}
