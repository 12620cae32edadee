/** Waiting, on the platform's own timers: tests replace the global ones with clocks that stand still. */

const { setTimeout } = globalThis;

/** Resolves after about that many milliseconds, and lets everything else run first. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
