/**
 * The clocks that work waits on. What the app schedules follows whatever `Date` and `setTimeout` are current, because tests
 * replace them to move time; so do leases. What goes on behind transactions follows the platform's own, because a test whose
 * clock stands still must not stop it.
 */
const {
  clearImmediate,
  clearTimeout,
  Date: PlatformDate,
  setImmediate,
  setInterval,
  setTimeout,
} = globalThis;

/** The longest time that a timer can wait. */
const maxTimerMs = 0x7fff_ffff;

export interface Clock {
  /** Milliseconds since 1970, but for the steady one. */
  now(): number;
  /** Calls back after about `ms`, or earlier where that is longer than a timer can wait. Returns how to cancel. */
  after(ms: number, callback: () => void): () => void;
}

/** The clock that tests may replace. Its timers do not keep the process alive. */
export const currentClock: Clock = {
  now: () => globalThis.Date.now(),
  after: (ms, callback) => {
    const timer = globalThis.setTimeout(callback, timerMs(ms));
    // Some environments that tests run in have timers that are plain numbers.
    timer.unref?.();
    return () => globalThis.clearTimeout(timer);
  },
};

/** Counts from some moment on and never goes back, for what must not depend on what time it is. Tests may replace it, too. */
export const steadyClock: Clock = {
  now: () => globalThis.performance.now(),
  after: (ms, callback) => currentClock.after(ms, callback),
};

/** The clock that nobody replaces. Its timers keep the process alive. */
export const platformClock: Clock = {
  now: () => PlatformDate.now(),
  after: (ms, callback) => {
    if (ms <= 0) {
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(callback, timerMs(ms));
    return () => clearTimeout(timer);
  },
};

/** Resolves after about `ms` by the platform's clock, and lets everything else run first. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    platformClock.after(ms, resolve);
  });
}

/** Keeps the process alive until the promise is settled, since somebody waits for it. */
export async function keepAlive<T>(promise: Promise<T>): Promise<T> {
  const interval = setInterval(() => {}, maxTimerMs);
  try {
    return await promise;
  } finally {
    clearInterval(interval);
  }
}

function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), maxTimerMs);
}
