/** Starts the watchdog of this process, and lets it see that the event loop turns. */
import inspector from "node:inspector";
import { Worker } from "node:worker_threads";
import { runningCode } from "../../functions/index.js";
import { reportPipe, supervised } from "./supervision.js";
import { beatCell, debuggerCell, lookMs, runningCodeKey, type WatchdogData } from "./watchdog-data.js";

/** Ends the process when code of the app keeps the event loop for longer than this. Returns how to stop watching. */
export function watchLoop(maxStallMs: number, isJson: boolean): () => Promise<void> {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const key = Symbol.for(runningCodeKey);
  Reflect.set(globalThis, key, () => JSON.stringify(runningCode()));
  const timer = setInterval(() => {
    Atomics.add(cells, beatCell, 1);
    Atomics.store(cells, debuggerCell, inspector.url() === undefined ? 0 : 1);
  }, lookMs);
  timer.unref();
  const reportTo = supervised() === null ? null : reportPipe;
  const workerData: WatchdogData = { cells, maxStallMs, reportTo, isJson };
  const worker = new Worker(new URL("./watchdog.js", import.meta.url), { workerData });
  worker.unref();
  return async () => {
    clearInterval(timer);
    Reflect.deleteProperty(globalThis, key);
    await worker.terminate();
  };
}
