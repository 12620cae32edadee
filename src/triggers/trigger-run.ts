/**
 * The order of triggers within one transaction, and the memory of a failure in it.
 *
 * A write of the application is done together with every trigger that follows from it before the next
 * write of the application begins, even if both were started at once. Triggers wait in one queue, so they
 * run in the order of the writes that caused them: a trigger's own write returns as soon as it is done,
 * and its triggers come after those already waiting. A trigger that throws ends the run, because the transaction
 * then holds a write without its consequences. Every later use of the database throws the same error,
 * whoever caught the first one, and the transaction is kept from committing as far as the host can be told to.
 */
import { ConvexError } from "convex/values";
import { runningFunction, type RunningFunction } from "../seams/index.js";

/** Lets one task run at a time, in the order of asking. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when every task asked for so far is done. */
  async free(): Promise<void> {
    await this.#last;
  }
}

/** A chain of triggers, in which each is set off by a write of the one before, has at most so many links. */
const maxDepth = 64;
/** So many writes of triggers may follow one write of the application: twice what a transaction of Convex may write. */
const maxWrites = 32_000;

/**
 * Applies a write. Resolves with its result, and with a function that reads the images of the document and resolves with the
 * triggers to run.
 */
export type Write<Result> = () => Promise<{
  result: Result;
  triggers: () => Promise<(() => Promise<void>)[]>;
}>;

/** The triggers' part of one transaction. */
export class TriggerRun {
  readonly #applicationWrites = new Turns();
  readonly #writes = new Turns();
  readonly #function = functionOfTrueup();
  readonly #isCheckedAtTheEnd: boolean;
  #waiting: (() => Promise<void>)[] = [];
  #writesLeft = maxWrites;
  #failure: Error | undefined;
  #isReported = false;

  /** @param isCheckedAtTheEnd True when its owner calls `assertSound` once more before the transaction commits. */
  constructor(isCheckedAtTheEnd: boolean) {
    this.#isCheckedAtTheEnd = isCheckedAtTheEnd;
  }

  /** Throws what a trigger of this transaction has thrown, if one has. */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Does the same for a use that the application begins. The application may catch this error too, so the error is also left
   * behind as a rejection that nobody handles: by that Convex ends a function, and a test runner fails a run.
   */
  assertUsable(): void {
    if (this.#failure === undefined) return;
    if (this.#function === null && !this.#isCheckedAtTheEnd && !this.#isReported) {
      this.#isReported = true;
      void Promise.reject(this.#failure);
    }
    throw this.#failure;
  }

  /**
   * Does a write for the application, then all triggers that follow from it, also those of the triggers'
   * own writes. Rejects with what the first failing trigger threw.
   */
  writeForApplication<Result>(write: Write<Result>): Promise<Result> {
    const written = this.#applicationWrites.take(async () => {
      this.#writesLeft = maxWrites;
      const result = await this.#write(write);
      await this.#drain();
      return result;
    });
    this.#function?.holdFor(written);
    return written;
  }

  /**
   * Does a write for a trigger that is the `depth`th of its chain. The triggers that follow from it join the queue.
   * @throws TRIGGERS_TOO_DEEP when triggers set each other off without end; this ends the run
   */
  writeForTrigger<Result>(table: string, depth: number, write: Write<Result>): Promise<Result> {
    if (depth >= maxDepth || this.#writesLeft-- <= 0) this.#fail(tooDeep(table, depth));
    return this.#write(write);
  }

  #write<Result>(write: Write<Result>): Promise<Result> {
    return this.#writes.take(async () => {
      this.assertSound();
      const { result, triggers } = await write();
      try {
        this.#waiting.push(...(await triggers()));
      } catch (error) {
        // The write was applied and has lost its triggers.
        this.#fail(error);
        throw error;
      }
      return result;
    });
  }

  async #drain(): Promise<void> {
    for (;;) {
      // A trigger may have started a write without waiting for it, or swallowed what a write of its own failed with.
      await this.#writes.free();
      this.assertSound();
      const next = this.#waiting.shift();
      if (next === undefined) return;
      try {
        await next();
      } catch (error) {
        this.#fail(error);
        throw error;
      }
    }
  }

  #fail(error: unknown): void {
    this.#waiting = [];
    this.#failure ??= error instanceof Error ? error : new Error(String(error), { cause: error });
    this.#function?.fail(this.#failure);
  }
}

function tooDeep(table: string, depth: number): Error {
  const often = depth >= maxDepth ? `${maxDepth} times` : `in ${maxWrites} writes`;
  const message =
    `Triggers on '${table}' set each other off more than ${often}. Write in a trigger only when there is ` +
    "something to change, or through `ctx.innerDb`.";
  return new ConvexError({ code: "TRIGGERS_TOO_DEEP", message, table });
}

/** The function that runs; null on hosts other than Trueup. */
function functionOfTrueup(): RunningFunction | null {
  const host: unknown = Reflect.get(globalThis, "Convex");
  const ask: unknown =
    typeof host === "object" && host !== null ? Reflect.get(host, runningFunction) : undefined;
  return typeof ask === "function" ? (ask.call(host) as RunningFunction) : null;
}
