/**
 * Ends calls that take too long, so that one that never ends holds up nobody. A call is looked at a few times a second, by one
 * timer for all calls, since nearly all end before they are looked at once. Code that never lets the event loop turn cannot be
 * ended from within.
 */
import { TrueupError } from "../../errors/index.js";
import type { Execution } from "./execution.js";

/** How long calls may take, by the clock, from when they begin to run. */
export interface TimeLimits {
  /** Of a query or a mutation. A mutation that waits for others to end has not begun. */
  readonly transactionMs: number;
  readonly actionMs: number;
}

/** An action has as long as on Convex. A transaction has longer than Convex's second, which does not count what it waits for. */
export const defaultTimeLimits: TimeLimits = { transactionMs: 10_000, actionMs: 10 * 60_000 };

const intervalMs = 100;

// Those of the platform: a test that replaces the clock does not stop calls from being ended.
const { setTimeout } = globalThis;
const nowMs: () => number = performance.now.bind(performance);

export class Deadlines {
  readonly #limits: TimeLimits | null;
  readonly #endAtMs = new Map<Execution, number>();
  #isWatching = false;

  /** @param limits Null for none. */
  constructor(limits: TimeLimits | null) {
    this.#limits = limits;
  }

  /** What the work resolves with, unless the execution takes too long, or is aborted otherwise. @throws FUNCTION_TIMEOUT */
  async within<T>(execution: Execution, work: () => Promise<T>): Promise<T> {
    if (this.#limits === null) return await execution.untilAborted(work);
    const { transactionMs, actionMs } = this.#limits;
    this.#endAtMs.set(execution, nowMs() + (execution.scope === null ? actionMs : transactionMs));
    this.#watch();
    try {
      return await execution.untilAborted(work);
    } finally {
      this.#endAtMs.delete(execution);
    }
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const timer = setTimeout(() => this.#look(), intervalMs);
    // Where timers are numbers, nothing waits for them either.
    if (typeof timer === "object") timer.unref();
  }

  #look(): void {
    this.#isWatching = false;
    const atMs = nowMs();
    for (const [execution, endAtMs] of this.#endAtMs) {
      if (atMs >= endAtMs) execution.abort(timeout(execution, this.#limits));
    }
    if (this.#endAtMs.size > 0) this.#watch();
  }
}

function timeout({ subject, scope }: Execution, limits: TimeLimits | null): TrueupError {
  const limitMs = (scope === null ? limits?.actionMs : limits?.transactionMs) ?? 0;
  return new TrueupError(
    "FUNCTION_TIMEOUT",
    `'${subject.path}' has run for more than ${limitMs / 1000} seconds, and was ended.`,
    { path: subject.path, limitMs },
  );
}
