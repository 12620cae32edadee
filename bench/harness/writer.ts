/** Writes that arrive at an interval, whether or not the one before has ended; each is timed from when it was due. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Written {
  readonly latenciesUs: readonly number[];
  /** How many were begun, each of which has ended well. */
  readonly count: number;
}

/** Writes until it is over, and then until all writes have ended. */
export async function writeEvery(
  intervalMs: number,
  write: (index: number) => Promise<unknown>,
  isOver: () => boolean,
): Promise<Written> {
  const latenciesUs: number[] = [];
  const underWay: Promise<void>[] = [];
  const begin = performance.now();
  const time = async (dueMs: number, written: Promise<unknown>): Promise<void> => {
    await written;
    latenciesUs.push((performance.now() - dueMs) * 1000);
  };
  let count = 0;
  for (; !isOver(); count++) {
    const dueMs = begin + count * intervalMs;
    const early = dueMs - performance.now();
    if (early > 0) await sleep(early);
    underWay.push(time(dueMs, write(count)));
  }
  await Promise.all(underWay);
  return { latenciesUs, count };
}
