/**
 * The order of triggers within one transaction, and the memory of a failure in it.
 *
 * A write of the application is done together with every trigger that follows from it before the next
 * write of the application begins, even if both were started at once. Triggers wait in one queue, so they
 * run in the order of the writes that caused them: a trigger's own write returns as soon as it is done,
 * and its triggers come after those already waiting. A trigger that throws ends the run: the transaction
 * then holds a write without its consequences, so every later use of the database throws the same error,
 * whoever caught the first one.
 */

/** Lets one task run at a time, in the order of asking. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** The triggers' part of one transaction. */
export class TriggerRun {
  readonly #applicationWrites = new Turns();
  readonly #writes = new Turns();
  #waiting: (() => Promise<void>)[] = [];
  #failure: Error | undefined;

  /** Throws what a trigger of this transaction threw, if one did. */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Does a write for the application, then all triggers that follow from it, also those of the triggers'
   * own writes. Rejects with what the first failing trigger threw.
   */
  writeForApplication<Result>(write: Write<Result>): Promise<Result> {
    return this.#applicationWrites.take(async () => {
      const result = await this.writeForTrigger(write);
      await this.#drain();
      return result;
    });
  }

  /** Does a write for a trigger; the triggers that follow from it join the queue. */
  writeForTrigger<Result>(write: Write<Result>): Promise<Result> {
    return this.#writes.take(async () => {
      this.assertSound();
      const { result, triggers } = await write((error) => this.#fail(error));
      this.#waiting.push(...triggers);
      return result;
    });
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await next();
      } catch (error) {
        this.#fail(error);
        throw error;
      }
      // A trigger may have swallowed a failure that happened between a write and its images.
      this.assertSound();
    }
  }

  #fail(error: unknown): void {
    this.#waiting = [];
    this.#failure ??= error instanceof Error ? error : new Error(String(error), { cause: error });
  }
}

/**
 * Writes, then reads the images; resolves with the triggers to run. It calls `fail` for an error that
 * comes after the write was applied: such a write has lost its triggers.
 */
type Write<Result> = (
  fail: (error: unknown) => void,
) => Promise<{ result: Result; triggers: (() => Promise<void>)[] }>;
