/**
 * Writers who write at the same time: each round, every writer runs its transaction on one and the same snapshot, and so do the
 * component's jobs that are due; then all commit, one after another, in random order. A writer that is aborted tries the same
 * again in the next round, with a new snapshot; one that got through goes on. After each round, the aggregate is asked for its
 * totals, which must be those of everything that was committed, unless it refuses to answer.
 */
import { Random } from "../harness/random.js";
import type { AppCtx, SimulatedCloud } from "./cloud.js";

export const writerCount = 8;
const roundMs = 20;

export interface ContendedItem {
  readonly key: number;
  readonly id: string;
  readonly sumValue: number;
}

/** What a library offers, in one form. */
export interface ContendedAggregate {
  /** Prepares the component before the writers begin. */
  setUp(ctx: AppCtx): Promise<void>;
  /** Inserts, without contention, what is there when the writers begin. */
  fill(ctx: AppCtx, items: readonly ContendedItem[]): Promise<void>;
  insert(ctx: AppCtx, item: ContendedItem): Promise<void>;
  replace(ctx: AppCtx, from: ContendedItem, to: ContendedItem): Promise<void>;
  /** Null when the aggregate refuses to tell. */
  totals(ctx: AppCtx): Promise<{ count: number; sum: number } | null>;
}

/** `random` inserts between all others, `append` after them. */
export const workloads = ["random", "append", "replace"] as const;
export type Workload = (typeof workloads)[number];

export interface Contention {
  readonly operations: number;
  /** Operations whose first attempt was aborted. */
  readonly firstTryAborts: number;
  /** Every attempt that was aborted. */
  readonly aborts: number;
  readonly rounds: number;
  /** Reads between the rounds, and those that were refused. Those that were answered were right. */
  readonly reads: number;
  readonly refusedReads: number;
  /** Runs of the component's own jobs, and those that were aborted. */
  readonly jobs: number;
  readonly jobAborts: number;
}

export interface Extent {
  readonly filled: number;
  readonly perWriter: number;
}

/** @throws when a read gives a wrong answer. */
export async function contend(
  cloud: SimulatedCloud,
  aggregate: ContendedAggregate,
  workload: Workload,
  { filled, perWriter }: Extent,
): Promise<Contention> {
  const random = new Random(7);
  const model = new Model();
  await alone(cloud, (ctx) => aggregate.setUp(ctx));
  const first = Array.from({ length: filled }, (_, index) => itemOf(random.fraction(), `filled-${index}`));
  for (const item of first) model.insert(item);
  await alone(cloud, (ctx) => aggregate.fill(ctx, first));
  await settle(cloud);

  const writers = Array.from({ length: writerCount }, (_, writer) => new Writer(writer, perWriter));
  const counts = { rounds: 0, reads: 0, refusedReads: 0, jobs: 0, jobAborts: 0 };
  let latestKey = 1;
  const nextWrite = ({ name }: Writer): Write => {
    if (workload === "replace") {
      const from = model.take(random);
      return { from, to: itemOf(random.fraction(), from.id) };
    }
    const key = workload === "append" ? (latestKey += random.fraction() + 0.001) : random.fraction();
    return { from: null, to: itemOf(key, name) };
  };
  const perform = (ctx: AppCtx, { from, to }: Write): Promise<void> =>
    from === null ? aggregate.insert(ctx, to) : aggregate.replace(ctx, from, to);

  for (;;) {
    const busy = writers.filter((writer) => writer.begin(nextWrite));
    if (busy.length === 0) break;
    cloud.advance(roundMs);
    const { snapshot } = cloud;
    const runners: (() => Promise<() => void>)[] = busy.map((writer) => async () => {
      const write = writer.write as Write;
      const attempt = await cloud.run((ctx) => perform(ctx, write));
      return () => {
        const isThrough = cloud.commit(attempt, snapshot);
        if (isThrough) model.apply(write);
        writer.end(isThrough);
      };
    });
    for (const job of cloud.takeDueJobs()) {
      runners.push(async () => {
        const attempt = await cloud.runJob(job);
        return () => {
          counts.jobs++;
          if (cloud.commit(attempt, snapshot)) return;
          counts.jobAborts++;
          cloud.retryJob(job);
        };
      });
    }
    const commits: (() => void)[] = [];
    for (const run of runners) commits.push(await run());
    for (const commit of random.shuffle(commits)) commit();
    counts.rounds++;
    counts.reads++;
    if (!(await isAnswered(cloud, aggregate, model))) counts.refusedReads++;
  }
  await settle(cloud);
  if (!(await isAnswered(cloud, aggregate, model))) throw new Error("the aggregate never settles");
  return {
    ...counts,
    operations: writerCount * perWriter,
    firstTryAborts: total(writers.map((writer) => writer.firstTryAborts)),
    aborts: total(writers.map((writer) => writer.aborts)),
  };
}

interface Write {
  readonly from: ContendedItem | null;
  readonly to: ContendedItem;
}

class Writer {
  write: Write | null = null;
  firstTryAborts = 0;
  aborts = 0;
  readonly #number: number;
  #left: number;
  #tries = 0;

  constructor(number: number, operations: number) {
    this.#number = number;
    this.#left = operations;
  }

  get name(): string {
    return `writer-${this.#number}-${this.#left}`;
  }

  /** Takes up the next write when none is under way. Returns false when all are done. */
  begin(next: (writer: Writer) => Write): boolean {
    if (this.write === null && this.#left > 0) {
      this.write = next(this);
      this.#left--;
      this.#tries = 0;
    }
    return this.write !== null;
  }

  end(isThrough: boolean): void {
    this.#tries++;
    if (isThrough) {
      this.write = null;
      return;
    }
    this.aborts++;
    if (this.#tries === 1) this.firstTryAborts++;
  }
}

/** The items that are committed. */
class Model {
  readonly #items = new Map<string, ContendedItem>();
  /** The items that no writer is about to move. */
  readonly #free: string[] = [];

  insert(item: ContendedItem): void {
    this.#items.set(item.id, item);
    this.#free.push(item.id);
  }

  apply({ to }: Write): void {
    this.insert(to);
  }

  /** An item that no other writer moves until it is inserted again. */
  take(random: Random): ContendedItem {
    const [id = ""] = this.#free.splice(random.below(this.#free.length), 1);
    return this.#items.get(id) as ContendedItem;
  }

  get totals(): { count: number; sum: number } {
    return { count: this.#items.size, sum: total([...this.#items.values()].map((item) => item.sumValue)) };
  }
}

function itemOf(key: number, id: string): ContendedItem {
  return { key, id, sumValue: Math.floor(key * 1000) };
}

async function isAnswered(
  cloud: SimulatedCloud,
  aggregate: ContendedAggregate,
  model: Model,
): Promise<boolean> {
  const { result } = await cloud.run((ctx) => aggregate.totals(ctx));
  if (result === null) return false;
  if (result.count === model.totals.count && result.sum === model.totals.sum) return true;
  throw new Error(`the aggregate says ${JSON.stringify(result)}, not ${JSON.stringify(model.totals)}`);
}

/** Runs one transaction while there is no other. */
async function alone(cloud: SimulatedCloud, body: (ctx: AppCtx) => Promise<void>): Promise<void> {
  const { snapshot } = cloud;
  cloud.commit(await cloud.run(body), snapshot);
}

/** Runs jobs until there are none, or only those of watchdogs. */
async function settle(cloud: SimulatedCloud): Promise<void> {
  for (let waited = 0; cloud.hasJobs() && waited < 120_000; waited += roundMs) {
    cloud.advance(roundMs);
    for (const job of cloud.takeDueJobs()) {
      const { snapshot } = cloud;
      cloud.commit(await cloud.runJob(job), snapshot);
    }
  }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
