/**
 * Gives way to timers, sockets and the scheduler. On an embedded storage a call can end without the event loop ever turning,
 * so a program that makes one call after another would keep them from running. The timer and the clock are taken when this
 * module is imported, so that tests which fake the clock do not stop calls.
 */
const maxTurnMs = 10;
const nextTurn: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : (callback): void => void setTimeout(callback, 0);

const nowMs: () => number = performance.now.bind(performance);

let turnedAtMs = 0;
/** Resolves when the event loop has turned. All that give way wait for it, so that they go on in the order they came. */
let turning: Promise<void> | undefined;

/** Lets the event loop turn. Returns undefined when it has turned lately, else a promise that resolves when it has. */
export function giveWay(): Promise<void> | undefined {
  if (nowMs() - turnedAtMs < maxTurnMs) return undefined;
  turning ??= new Promise((resolve) => {
    nextTurn(() => {
      turnedAtMs = nowMs();
      turning = undefined;
      resolve();
    });
  });
  return turning;
}
