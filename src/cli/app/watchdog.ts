/**
 * A thread that watches whether the event loop of the process turns. When code of the app has kept it for too long, the
 * thread asks that code, by the inspector of the process, what it runs for, says so on stderr, and ends the process: what was
 * acknowledged is durable, and nothing else can end a loop without an end. Time that the whole process does not run, as on a
 * suspended laptop, does not count, nor does time in which a debugger is attached, nor work of the storage, which is no app's.
 */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";
import type { RunningCode } from "../../functions/index.js";
import { beatCell, debuggerCell, lookMs, runningCodeKey, type WatchdogData } from "./watchdog-data.js";

const { cells, maxStallMs, reportTo, isJson } = workerData as WatchdogData;
let lastBeat = -1;
let stoodMs = 0;
let isAsking = false;

setInterval(look, lookMs);

function look(): void {
  const beat = Atomics.load(cells, beatCell);
  if (beat !== lastBeat || Atomics.load(cells, debuggerCell) === 1) {
    lastBeat = beat;
    stoodMs = 0;
    return;
  }
  stoodMs += lookMs;
  if (stoodMs >= maxStallMs && !isAsking) ask(beat);
}

function ask(beat: number): void {
  isAsking = true;
  const session = new Session();
  session.connectToMainThread();
  const expression = `globalThis[Symbol.for(${JSON.stringify(runningCodeKey)})]()`;
  // Code that has not returned to JavaScript, as in SQLite, does not answer before it does.
  session.post("Runtime.evaluate", { expression, returnByValue: true }, (_error, answer) => {
    session.disconnect();
    isAsking = false;
    stoodMs = 0;
    const text: unknown = answer?.result.value;
    if (typeof text !== "string" || Atomics.load(cells, beatCell) !== beat) return;
    end(JSON.parse(text) as RunningCode | null);
  });
}

function end(running: RunningCode | null): void {
  if (running === null) return;
  const { what, where, call } = running;
  const message = [
    `${what} has kept the server from everything else for ${maxStallMs / 1000} seconds, so the process ends`,
    ...where,
  ].join("\n");
  const entry = { time: new Date().toISOString(), level: "ERROR", message };
  writeSync(2, `${isJson ? JSON.stringify(entry) : message}\n`);
  if (reportTo !== null && call !== null) writeSync(reportTo, JSON.stringify(call));
  process.kill(process.pid, "SIGKILL");
}
