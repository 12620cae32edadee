/**
 * Times peers side by side. The machine is shared and noisy, so peers take turns in short rounds (A B C, A B C). The report
 * has the rate and the median of a peer's quietest turn, the one with the lowest median, because other work can only add to
 * it. The 99th percentile is that of all its calls, disturbed ones included.
 */
import { setImmediate as turnOfLoop } from "node:timers/promises";

/** With fewer calls, a turn's median depends more on the questions that were drawn than on the peer, so all turns count. */
const tellingCalls = 10;

/** A call to be timed, and a check, which is not timed, that it did what it should. */
export interface Task {
  run(): Promise<unknown>;
  check?(result: unknown): void;
}

/** A peer: each of its tasks does `perCall` operations; null when there is nothing left to do. */
export interface Contender {
  readonly peer: string;
  readonly perCall: number;
  next(): Task | null;
}

/** A peer that does what is measured for some time by itself. */
export interface Player {
  readonly peer: string;
  takeTurn(turnMs: number): Promise<Turn>;
}

/** What was seen beside the calls, of the process that served them; left out where nobody looked. */
export interface Besides {
  /** Processor time of one operation, in microseconds. */
  readonly cpuUs?: number;
  /** The longest time for which its event loop did not turn, in milliseconds. */
  readonly longestStopMs?: number;
  /** How long the disk took to flush just before, in milliseconds. */
  readonly flushMs?: number;
}

/** Rates in operations per second, latencies of one operation in microseconds. */
export interface Measurement extends Besides {
  readonly peer: string;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly operations: number;
}

/** How long peers are measured. */
export interface Effort {
  readonly rounds: number;
  /** How long one peer's turn takes; a call that has begun is finished. */
  readonly turnMs: number;
  /** No turn has more calls than this. */
  readonly turnCalls: number;
}

/** The operations of one turn. */
export interface Turn extends Besides {
  readonly perSecond: number;
  readonly operations: number;
  readonly latenciesUs: readonly number[];
}

/** Lets the contenders take turns. The calls of the warm-up are not counted. */
export function measure(contenders: readonly Contender[], effort: Effort): Promise<Measurement[]> {
  const players = contenders.map((contender): Player => ({
    peer: contender.peer,
    takeTurn: (turnMs) => oneAfterAnother(contender, { ...effort, turnMs }),
  }));
  return takeTurns(players, effort);
}

/** Lets the players take turns, after a warm-up of each that does not count. The disk is asked before each turn. */
export async function takeTurns(
  players: readonly Player[],
  { rounds, turnMs }: Pick<Effort, "rounds" | "turnMs">,
  askDisk?: () => number,
): Promise<Measurement[]> {
  const all = players.map((player) => ({ player, turns: new Array<Turn>() }));
  for (const { player } of all) await player.takeTurn(turnMs / 2);
  for (let round = 0; round < rounds; round++) {
    for (const { player, turns } of all) {
      const asked = askDisk === undefined ? {} : { flushMs: askDisk() };
      turns.push({ ...(await player.takeTurn(turnMs)), ...asked });
    }
  }
  return all.map(({ player, turns }) => summary(player.peer, turns));
}

async function oneAfterAnother(contender: Contender, { turnMs, turnCalls }: Effort): Promise<Turn> {
  const latenciesUs: number[] = [];
  let workedMs = 0;
  let calls = 0;
  while (workedMs < turnMs && calls < turnCalls) {
    const task = contender.next();
    if (task === null) break;
    const begin = performance.now();
    const result = await task.run();
    const elapsedMs = performance.now() - begin;
    task.check?.(result);
    workedMs += elapsedMs;
    calls++;
    latenciesUs.push((elapsedMs * 1000) / contender.perCall);
  }
  const operations = calls * contender.perCall;
  return { perSecond: (operations * 1000) / workedMs, operations, latenciesUs };
}

/**
 * Lets callers make one call after the other, all of them at the same time. Each waits for a turn of the event loop before
 * its call, as callers do that do not know of each other.
 */
export async function together(
  callers: number,
  turnMs: number,
  next: (caller: number) => Task,
): Promise<Turn> {
  const latenciesUs: number[] = [];
  const begin = performance.now();
  const end = begin + turnMs;
  const work = async (caller: number): Promise<void> => {
    while (performance.now() < end) {
      await turnOfLoop();
      const task = next(caller);
      const called = performance.now();
      const result = await task.run();
      latenciesUs.push((performance.now() - called) * 1000);
      task.check?.(result);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  const operations = latenciesUs.length;
  return { perSecond: (operations * 1000) / (performance.now() - begin), operations, latenciesUs };
}

function summary(peer: string, turns: readonly Turn[]): Measurement {
  const latenciesUs = turns.flatMap((turn) => turn.latenciesUs);
  if (latenciesUs.length === 0) throw new Error(`${peer} did nothing that could be measured`);
  const [quietest] = turns
    .filter((turn) => turn.latenciesUs.length >= tellingCalls)
    .map((turn) => ({ ...turn, p50Us: quantile(turn.latenciesUs, 0.5) }))
    .toSorted((a, b) => a.p50Us - b.p50Us);
  const p50Us = quietest?.p50Us ?? quantile(latenciesUs, 0.5);
  return {
    peer,
    perSecond: quietest?.perSecond ?? 1e6 / p50Us,
    p50Us,
    p99Us: quantile(latenciesUs, 0.99),
    operations: turns.reduce((sum, turn) => sum + turn.operations, 0),
    ...medianOf(turns, "cpuUs"),
    ...medianOf(turns, "longestStopMs"),
    ...(quietest?.flushMs === undefined ? medianOf(turns, "flushMs") : { flushMs: quietest.flushMs }),
  };
}

/** The median of what turns tell; nothing where they do not. */
function medianOf(turns: readonly Turn[], name: keyof Besides): Besides {
  const told = turns.flatMap(({ [name]: value }) => (value === undefined ? [] : [value]));
  return told.length === 0 ? {} : { [name]: quantile(told, 0.5) };
}

/** The nearest rank. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new Error("no value to take a quantile of");
  return value;
}
