/**
 * The calls that have ended lately, for whoever follows them with `npx convex logs`. Each has a place in time, which the next
 * process goes on with, so a follower that comes back after a restart misses nothing and sees nothing twice.
 */
import type { EndedCall } from "../backend/index.js";

const maxEntries = 1_000;
const maxChars = 8 * 1024 * 1024;

/** A call as the official CLI reads it. Times are in seconds. */
interface LogEntry {
  readonly kind: "Completion";
  readonly udfType: string;
  /** `dir/mod:fn`, or the method and the path of an HTTP action. */
  readonly identifier: string;
  readonly componentPath: string;
  readonly logLines: readonly string[];
  readonly timestamp: number;
  readonly executionTime: number;
  readonly error: string | null;
  readonly requestId: string;
}

interface Kept {
  readonly cursor: number;
  readonly chars: number;
  readonly entry: LogEntry;
}

const udfTypes = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
} as const;

export class CallLog {
  #kept: Kept[] = [];
  #chars = 0;
  #latest = 0;
  readonly #waiting = new Set<() => void>();

  add({ kind, path, componentPath, logLines, endedAtMs, tookMs, errorMessage, requestId }: EndedCall): void {
    const entry: LogEntry = {
      kind: "Completion",
      udfType: udfTypes[kind],
      identifier: path,
      componentPath,
      logLines,
      timestamp: endedAtMs / 1000,
      executionTime: tookMs / 1000,
      error: errorMessage,
      requestId,
    };
    // Microseconds since 1970, and one more where two calls ended at once.
    this.#latest = Math.max(this.#latest + 1, Math.floor(endedAtMs * 1000));
    const chars = logLines.reduce((sum, line) => sum + line.length, errorMessage?.length ?? 0);
    this.#kept.push({ cursor: this.#latest, chars, entry });
    this.#chars += chars;
    this.#forgetSome();
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /**
   * The calls behind a cursor. For 0 those that are kept, at once; else it waits until there are some, the signal is aborted, or
   * the time is over.
   */
  async after(
    cursor: number,
    signal: AbortSignal,
    waitMs: number,
  ): Promise<{ readonly entries: readonly LogEntry[]; readonly newCursor: number }> {
    let found = this.#behind(cursor);
    if (found.length === 0 && cursor > 0 && !signal.aborted) {
      await this.#next(signal, waitMs);
      found = this.#behind(cursor);
    }
    return {
      entries: found.map(({ entry }) => entry),
      newCursor: found.at(-1)?.cursor ?? this.#from(cursor),
    };
  }

  /** Where to go on from when nothing was found. What ends from now on is behind it. */
  #from(cursor: number): number {
    if (cursor > 0) return cursor;
    this.#latest = Math.max(this.#latest, Math.floor(Date.now() * 1000));
    return this.#latest;
  }

  #behind(cursor: number): readonly Kept[] {
    const first = this.#kept.findIndex((kept) => kept.cursor > cursor);
    return first < 0 ? [] : this.#kept.slice(first);
  }

  async #next(signal: AbortSignal, waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #forgetSome(): void {
    let count = 0;
    while (
      this.#kept.length - count > maxEntries ||
      (this.#chars > maxChars && count < this.#kept.length - 1)
    ) {
      this.#chars -= this.#kept[count]?.chars ?? 0;
      count += 1;
    }
    if (count > 0) this.#kept = this.#kept.slice(count);
  }
}
