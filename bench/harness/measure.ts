/**
 * Times peers side by side. The machine is shared and noisy, so peers take turns in short rounds (A B C, A B C). The report
 * has the rate and the median of a peer's quietest turn, the one with the lowest median, because other work can only add to
 * it. The 99th percentile is that of all its calls, disturbed ones included.
 */

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

/** Rates in operations per second, latencies of one operation in microseconds. */
export interface Measurement {
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

interface Turns {
  readonly contender: Contender;
  readonly turns: Turn[];
}

/** The calls of one turn. */
interface Turn {
  readonly perSecond: number;
  readonly latenciesUs: readonly number[];
}

/** Lets the contenders take turns. The calls of the warm-up are not counted. */
export async function measure(contenders: readonly Contender[], effort: Effort): Promise<Measurement[]> {
  const all = contenders.map((contender): Turns => ({ contender, turns: [] }));
  const warmUp = { ...effort, turnMs: effort.turnMs / 2 };
  for (const { contender } of all) await takeTurn(contender, warmUp);
  for (let round = 0; round < effort.rounds; round++) {
    for (const { contender, turns } of all) turns.push(await takeTurn(contender, effort));
  }
  return all.map(summary);
}

async function takeTurn(contender: Contender, { turnMs, turnCalls }: Effort): Promise<Turn> {
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
  return { perSecond: (calls * contender.perCall * 1000) / workedMs, latenciesUs };
}

function summary({ contender, turns }: Turns): Measurement {
  const latenciesUs = turns.flatMap((turn) => turn.latenciesUs);
  if (latenciesUs.length === 0) throw new Error(`${contender.peer} did nothing that could be measured`);
  const [quietest] = turns
    .filter((turn) => turn.latenciesUs.length >= tellingCalls)
    .map((turn) => ({ ...turn, p50Us: quantile(turn.latenciesUs, 0.5) }))
    .toSorted((a, b) => a.p50Us - b.p50Us);
  const p50Us = quietest?.p50Us ?? quantile(latenciesUs, 0.5);
  return {
    peer: contender.peer,
    perSecond: quietest?.perSecond ?? 1e6 / p50Us,
    p50Us,
    p99Us: quantile(latenciesUs, 0.99),
    operations: latenciesUs.length * contender.perCall,
  };
}

/** The nearest rank. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)];
  if (value === undefined) throw new Error("no value to take a quantile of");
  return value;
}
