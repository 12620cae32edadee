/**
 * On an embedded storage a call can end without the event loop ever turning, so a program that makes one
 * call after another would keep timers, sockets and the scheduler from running. Calls give way to them once
 * in a while. The timer and the clock are taken at import: tests that fake the clock do not stop calls.
 */
const maxTurnMs = 10;
const nextTurn: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : (callback): void => void setTimeout(callback, 0);

const nowMs: () => number = performance.now.bind(performance);

let turnedAtMs = 0;

/** Undefined when the event loop has turned lately; otherwise resolves after it has. */
export function giveWay(): Promise<void> | undefined {
  if (nowMs() - turnedAtMs < maxTurnMs) return undefined;
  return new Promise((resolve) => {
    nextTurn(() => {
      turnedAtMs = nowMs();
      resolve();
    });
  });
}
