/**
 * Moves the clock of a test in steps, and lets the event loop turn after each of them: a call may give way to it at any time,
 * and what it schedules is due by the clock that it then finds.
 */
import { vi } from "vitest";

// Taken at import, before a test replaces it.
const { setImmediate } = globalThis;
const stepsPerCall = 120;
const turnsPerStep = 4;

export async function passTime(ms: number): Promise<void> {
  const stepMs = Math.max(1, Math.ceil(ms / stepsPerCall));
  let leftMs = ms;
  do {
    await vi.advanceTimersByTimeAsync(Math.min(stepMs, leftMs));
    leftMs -= stepMs;
    for (let turn = 0; turn < turnsPerStep; turn++) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  } while (leftMs > 0);
}
