/**
 * Timing of peers side by side. The machine is shared and noisy, so peers take turns in short rounds (A B C, A B C)
 * and the rate reported is the median of the rounds; latencies are those of all calls together.
 */

/** A call to be timed, and what makes sure afterwards, untimed, that it did what it should. */
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
  readonly rates: number[];
  readonly latenciesUs: number[];
}

/** Lets the contenders take turns. The calls of the warm-up count for nothing. */
export async function measure(contenders: readonly Contender[], effort: Effort): Promise<Measurement[]> {
  const turns = contenders.map((contender): Turns => ({ contender, rates: [], latenciesUs: [] }));
  const warmUp = { ...effort, turnMs: effort.turnMs / 2 };
  for (const { contender } of turns) await takeTurn({ contender, rates: [], latenciesUs: [] }, warmUp);
  for (let round = 0; round < effort.rounds; round++) {
    for (const turn of turns) await takeTurn(turn, effort);
  }
  return turns.map(summary);
}

async function takeTurn(
  { contender, rates, latenciesUs }: Turns,
  { turnMs, turnCalls }: Effort,
): Promise<void> {
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
  if (calls > 0) rates.push((calls * contender.perCall * 1000) / workedMs);
}

function summary({ contender, rates, latenciesUs }: Turns): Measurement {
  if (rates.length === 0) throw new Error(`${contender.peer} did nothing that could be measured`);
  return {
    peer: contender.peer,
    perSecond: quantile(rates, 0.5),
    p50Us: quantile(latenciesUs, 0.5),
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
