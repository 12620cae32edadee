/**
 * Gives way to timers, sockets and the scheduler. On an embedded storage a call can end without the event loop ever turning, so
 * calls begin for a while only, and then wait for the loop to turn. Mutations and actions wait in a line, of which a part goes on
 * in each turn: a query that comes meanwhile waits for that part and not for the line.
 * Timers and the clock are taken when this module is imported, so that tests which fake the clock do not stop calls.
 */
import type { FunctionKind } from "../program/registered-function.js";

/** For so long calls begin in one turn of the event loop. */
const maxTurnMs = 1;
const { setTimeout, queueMicrotask } = globalThis;
const nextTurn: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : (callback): void => void setTimeout(callback, 0);
const nextTick: (callback: () => void) => void =
  typeof process === "object"
    ? process.nextTick.bind(process)
    : (callback): void => void setTimeout(callback, 0);
/** Runs it when what has gone on waits for the event loop, or has ended: a tick comes when no microtasks are left. */
const afterwards = (callback: () => void): void => queueMicrotask(() => nextTick(callback));

const nowMs: () => number = performance.now.bind(performance);

/** Whether calls have begun in this turn of the event loop; `turn` runs in the next one then. */
let hasBegun = false;
/** When the first of them did. */
let begunAtMs = 0;
let queries: (() => void)[] = [];
let others: (() => void)[] = [];
/** Where the next of the others stands: shifting an array is O(n). */
let next = 0;

/**
 * To be called when a call begins. Returns undefined when it may go on, else a promise that resolves when the event loop has
 * turned and, but for queries, when those before it have gone on.
 */
export function giveWay(kind?: FunctionKind): Promise<void> | undefined {
  if (!hasBegun) {
    beginTurn();
    return undefined;
  }
  const isQuery = kind === "query";
  const isFirst = isQuery || others.length === 0;
  if (isFirst && nowMs() - begunAtMs < maxTurnMs) return undefined;
  return new Promise((resolve) => {
    (isQuery ? queries : others).push(resolve);
  });
}

function beginTurn(): void {
  hasBegun = true;
  begunAtMs = nowMs();
  nextTurn(turn);
}

function turn(): void {
  if (queries.length === 0 && others.length === 0) {
    hasBegun = false;
    return;
  }
  beginTurn();
  const waited = queries;
  queries = [];
  for (const goOn of waited) goOn();
  if (others.length > 0) goOnInLine();
}

/** Has the next in line go on, and those behind it as long as the turn has not lasted long enough. */
function goOnInLine(): void {
  others[next++]?.();
  if (next < others.length) {
    afterwards(() => {
      if (nowMs() - begunAtMs < maxTurnMs) goOnInLine();
    });
    return;
  }
  others = [];
  next = 0;
}
