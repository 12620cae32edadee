/**
 * The one loop behind everything that works by itself: scheduled jobs, aggregates, migrations, index builds, builds beside the
 * live program. A user of the loop only says when it has something to do next and does one step of it. The loop
 * - sets one timer for that time, and sets it anew whenever it is woken;
 * - runs one step at a time, and goes on as long as something is due;
 * - puts the work off after a failure, for as long as the user says;
 * - gives way to others who use the database, where the user says how to see them;
 * - stops after the step that is under way.
 *
 * It remembers nothing that matters. What is due is read from the user, who reads it from the data, so a process may die at
 * any moment. Rounds and timers run outside the async context of whoever woke the loop.
 */
import { AsyncResource } from "node:async_hooks";
import { isTrueupError } from "../errors/index.js";
import { currentClock, keepAlive, pause, platformClock, type Clock } from "./clock.js";

export interface LoopedWork {
  /** When there is something to do next, in milliseconds since 1970. Infinity means not before the loop is woken. */
  nextAtMs(): number;
  /**
   * Does the next piece of work, of one commit at most where others must get their turn. Afterwards `nextAtMs` must have moved
   * on, unless there is more to do at once.
   * @param isAlone Nobody else has used the database since the step before this one began.
   */
  step(isAlone: boolean): Promise<void>;
  /**
   * Takes note of what a step threw, and says after how many milliseconds the work is tried again; null when not before the
   * loop is woken. A storage that was closed ends the loop without asking.
   * @param attempts How many steps have failed in a row.
   */
  retryAfterMs(error: unknown, attempts: number): number | null;
  /** Who else uses the database. Left out, the work gives way to nobody. */
  readonly others?: Others;
}

/**
 * How the loop sees others who use the database. After each step the event loop turns once, and then the work rests as long as
 * anybody waits for a turn, but no longer than it is willing to. Transactions get their turns in the order they came, so a longer
 * rest would spare nobody a wait: whoever comes later waits for one step at most.
 */
export interface Others {
  /** Rises with each use. */
  count(): number;
  /** By how much a step of this work raises the count itself. */
  readonly ownPerStep: number;
  /** Whether somebody waits for a turn. */
  areWaiting(): boolean;
  /** The longest rest after the step that has just ended. */
  maxRestMs(): number;
}

/**
 * Who may do the work. One process that has its database to itself always may. Where several share a database, a lease takes this
 * place: the loop begins no step unless `holds` is true, and is woken when the lease is gained.
 */
export interface Owner {
  holds(): boolean;
  /** Calls the listener whenever this process gets to do the work, also again; returns how to stop. */
  onGained?(listener: () => void): () => void;
}

/** A transaction found that the work has passed on to another process. It has committed nothing, and is no failure. */
export class LeaseLost extends Error {
  constructor(lease: string) {
    super(`Another process has taken over the lease '${lease}'.`);
  }
}

export const thisProcess: Owner = { holds: () => true };

export interface WorkLoopOptions {
  /** Left out, the clock that tests may replace. */
  readonly clock?: Clock;
  /** Left out, this process. */
  readonly owner?: Owner;
}

/** How long work waits for news of who has it, after a transaction found that it is another process. */
const lostMs = 100;
/** Created when the program starts, so that it belongs to no call. */
const outsideOfCalls = new AsyncResource("TrueupWork");

export class WorkLoop {
  readonly #work: LoopedWork;
  readonly #clock: Clock;
  readonly #owner: Owner;
  #isOn = false;
  #isRunning = false;
  /** The round under way, or the last one. */
  #round: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | null = null;
  #failedSteps = 0;
  /** No step begins before; Infinity after a failure that only waking ends. */
  #notBeforeMs = 0;
  #failure: Error | null = null;
  #useCount = 0;
  #waiting: (() => void)[] = [];

  constructor(work: LoopedWork, { clock = currentClock, owner = thisProcess }: WorkLoopOptions = {}) {
    this.#work = work;
    this.#clock = clock;
    this.#owner = owner;
    owner.onGained?.(() => this.wake());
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** True when no step runs and none is due, now or later, until the loop is woken. */
  get isDone(): boolean {
    return !this.#isRunning && (!this.#isOn || this.#nextAtMs() === Infinity);
  }

  /** True when a step runs or is due by now. */
  get isDue(): boolean {
    return this.#isRunning || (this.#isOn && this.#nextAtMs() <= this.#clock.now());
  }

  /** Begins to run what is due. */
  start(): void {
    this.#isOn = true;
    this.wake();
  }

  /** Looks anew at when there is something to do; a failure that put the work off without an end is over. */
  wake(): void {
    if (this.#notBeforeMs === Infinity) {
      this.#notBeforeMs = 0;
      this.#failure = null;
    }
    if (!this.#isRunning) this.#setTimer();
  }

  /** Lets the step under way end and begins no other, until the loop is started again. Idempotent. */
  async stop(): Promise<void> {
    this.#isOn = false;
    if (!this.#isRunning) this.#setTimer();
    await this.#round;
  }

  /** Runs what is due by now, without waiting for the timer. Resolves when nothing is due any more; never rejects. */
  runDue(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (!this.#isRunning) this.#round = outsideOfCalls.runInAsyncScope(() => this.#runRound());
    return this.#round;
  }

  /** Resolves after the step that runs, or else the next one; at once when there will be none. Keeps the process alive. */
  async whenStepped(): Promise<void> {
    if (this.isDone) return;
    const stepped = new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    await keepAlive(stepped);
  }

  /** Resolves when nothing is due, now or later. Rejects with what ended the work, or put it off without an end. */
  async whenDone(): Promise<void> {
    while (!this.isDone) await this.whenStepped();
    this.throwFailure();
  }

  /** Throws what ended the work, or put it off without an end, if something did. */
  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Takes a failure beside the steps for one of theirs: the work is put off. */
  fail(error: unknown): void {
    this.#failedSteps += 1;
    if (error instanceof LeaseLost) {
      this.#failedSteps = 0;
      this.#notBeforeMs = this.#clock.now() + lostMs;
    } else if (isTrueupError(error) && error.code === "STORAGE_CLOSED") {
      this.#isOn = false;
      this.#failure = error;
    } else {
      const retryMs = this.#work.retryAfterMs(error, this.#failedSteps);
      this.#notBeforeMs = retryMs === null ? Infinity : this.#clock.now() + retryMs;
      if (retryMs === null) this.#failure = error instanceof Error ? error : new Error(String(error));
    }
    if (!this.#isRunning) this.#setTimer();
  }

  #nextAtMs(): number {
    return Math.max(this.#work.nextAtMs(), this.#notBeforeMs);
  }

  async #runRound(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#isOn && this.#owner.holds() && this.#nextAtMs() <= this.#clock.now()) {
        await this.#runStep();
      }
    } finally {
      this.#isRunning = false;
      this.#setTimer();
    }
  }

  async #runStep(): Promise<void> {
    const { others } = this.#work;
    const useCount = others?.count() ?? 0;
    const isAlone = useCount - this.#useCount <= (others?.ownPerStep ?? 0);
    this.#useCount = useCount;
    try {
      await this.#work.step(isAlone);
      this.#failedSteps = 0;
    } catch (error) {
      this.fail(error);
    }
    this.#release();
    if (others === undefined) return;
    await pause(0);
    const untilMs = platformClock.now() + others.maxRestMs();
    while (others.areWaiting() && platformClock.now() < untilMs) await pause(0);
  }

  /** Sets the timer for what is due next. Nobody waits on for a step that will not come. */
  #setTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.isDone) this.#release();
    else if (this.#owner.holds()) {
      const delayMs = this.#nextAtMs() - this.#clock.now();
      this.#cancelTimer = outsideOfCalls.runInAsyncScope(() =>
        this.#clock.after(delayMs, () => void this.runDue()),
      );
    }
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** How long to wait before an attempt after the first: it doubles with each, up to a limit. */
export function backoffMs(attempts: number, firstMs: number, maxMs: number): number {
  return Math.min(firstMs * 2 ** (attempts - 1), maxMs);
}
