import { setImmediate as realTurn } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { seededRandom } from "../../suites/setup/random.js";
import { TrueupError } from "../errors/index.js";
import { sharedMemory, memory } from "../storage/memory/index.js";
import type { Storage } from "../storage/storage.js";
import type { Clock } from "./clock.js";
import { termKey } from "./lease-entries.js";
import { beatEveryMs, expireAfterMs, Leases, type Lease } from "./leases.js";

/** A clock that stands still until the test moves it. */
class TestClock implements Clock {
  #nowMs: number;
  readonly #timers = new Map<() => void, number>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = (): void => callback();
    this.#timers.set(timer, this.#nowMs + Math.max(0, ms));
    return () => this.#timers.delete(timer);
  }

  move(ms: number): void {
    this.#nowMs += ms;
    this.fire();
  }

  fire(): void {
    for (const [timer, atMs] of this.#timers) {
      if (atMs > this.#nowMs) continue;
      this.#timers.delete(timer);
      timer();
    }
  }
}

/** So many that each of two or three processes gets some, whatever their names. */
const names = Array.from({ length: 40 }, (_, number) => `lease ${number + 10}`);

/** One of the processes that share the storage. */
class Process {
  isAlive = true;
  isPaused = false;
  readonly clock: TestClock;
  readonly storage: Storage;
  readonly leases: Leases;
  readonly all: readonly Lease[];

  constructor(storage: Storage, startMs: number) {
    this.clock = new TestClock(startMs);
    this.storage = storage;
    this.leases = new Leases(storage, this.clock);
    this.all = names.map((name) => this.leases.lease(name));
    this.leases.start();
    this.leases.work();
  }

  get held(): readonly string[] {
    return this.all.filter((lease) => lease.holds()).map(({ name }) => name);
  }

  /** Does a piece of work under a lease; false when it was not its, or the work was refused. */
  async work(lease: Lease, onRead: () => Promise<void> = async () => {}, isTied = true): Promise<boolean> {
    const tx = await this.storage.begin();
    const keys = new Set<string>();
    const leaseEntry = (key: string): ReturnType<typeof tx.get> => {
      if (isTied) keys.add(key);
      return tx.get(key);
    };
    const isHeld = await lease.isHeldIn({ leaseEntry });
    const term = await leaseEntry(termKey(lease.name));
    await onRead();
    if (!isHeld) {
      tx.rollback();
      return false;
    }
    try {
      await tx.commit({ writes: [[`work/${lease.name}`, term]], reads: { keys, ranges: [] } });
      return true;
    } catch (error) {
      if (error instanceof TrueupError && error.code === "STORAGE_CONFLICT") return false;
      throw error;
    }
  }
}

/** Processes of one storage, each with a clock of its own: they run as fast as each other, but none says what time it is. */
class Cluster {
  readonly processes: Process[] = [];
  readonly #opened: { process: Process | null }[] = [];
  readonly #memory = sharedMemory({
    before: async (_step, opening) => {
      const process = this.#opened[opening]?.process;
      while (process?.isPaused === true) await realTurn();
      // Nobody hears of one that was killed, and it hears of nobody.
      if (process?.isAlive === false) await new Promise<never>(() => {});
    },
  });

  /** An opening that only hears. */
  async observe(): Promise<Storage> {
    this.#opened.push({ process: null });
    return await this.#memory.open();
  }

  async join(): Promise<Process> {
    const place: { process: Process | null } = { process: null };
    this.#opened.push(place);
    const storage = await this.#memory.open();
    const process = new Process(storage, 1000 * this.processes.length ** 3);
    place.process = process;
    this.processes.push(process);
    await this.settle();
    return process;
  }

  /** Lets everything happen that waits for no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) {
      for (const { clock, isPaused, isAlive } of this.processes) if (!isPaused && isAlive) clock.fire();
      await realTurn();
    }
  }

  /** Time goes on for all, those that are paused too; retries come sooner than this. */
  async pass(ms: number): Promise<void> {
    for (const { clock, isAlive } of this.processes) if (isAlive) clock.move(ms);
    await this.settle();
  }

  get alive(): readonly Process[] {
    return this.processes.filter(({ isAlive, isPaused }) => isAlive && !isPaused);
  }
}

let cluster = new Cluster();
afterEach(async () => {
  for (const each of cluster.processes) each.isPaused = false;
  for (const each of cluster.alive) await each.leases.stop();
  cluster = new Cluster();
});

test("a process that has its storage to itself has every lease, and writes nothing", async () => {
  const storage = await memory()();
  const leases = new Leases(storage);
  leases.start();
  leases.work();
  const lease = leases.lease("jobs");
  expect([lease.holds(), await lease.isHeldIn({ leaseEntry: () => undefined })]).toEqual([true, true]);
  await leases.stop();
  expect(storage.version).toBe(0);
});

test("leases spread over the processes that live, each to one", async () => {
  const first = await cluster.join();
  expect(first.held).toEqual(names);
  const second = await cluster.join();
  const third = await cluster.join();
  await cluster.pass(100);
  const held = [first, second, third].map((each) => each.held);
  expect(held.flat().toSorted()).toEqual(names);
  expect(held.every((each) => each.length > 0)).toBe(true);
});

test("what a process that stops had is taken at once", async () => {
  const first = await cluster.join();
  const second = await cluster.join();
  await cluster.pass(100);
  const gained: string[] = [];
  for (const lease of second.all) lease.onGained?.(() => gained.push(lease.name));
  await first.leases.stop();
  await cluster.settle();
  expect(second.held).toEqual(names);
  expect(gained.toSorted()).toEqual(names);
});

test("what a killed process had is taken 7 to 10 seconds after it died", async () => {
  for (const sinceBeatMs of [0, 1_000, 2_900]) {
    cluster = new Cluster();
    const first = await cluster.join();
    const second = await cluster.join();
    await cluster.pass(beatEveryMs);
    await cluster.pass(sinceBeatMs);
    first.isAlive = false;
    const heldBefore = second.held.length;
    let afterMs = 0;
    for (; second.held.length < names.length && afterMs < 20_000; afterMs += 100) await cluster.pass(100);
    expect(heldBefore).toBeLessThan(names.length);
    expect(afterMs).toBeGreaterThanOrEqual(expireAfterMs - sinceBeatMs - 100);
    expect(afterMs).toBeLessThanOrEqual(expireAfterMs - sinceBeatMs + 300);
  }
});

test("a process whose beats are not acknowledged begins nothing after 7 seconds, and is another one when it comes back", async () => {
  const first = await cluster.join();
  const second = await cluster.join();
  await cluster.pass(100);
  first.isPaused = true;
  await cluster.pass(6_800);
  expect(first.held.length).toBeGreaterThan(0);
  await cluster.pass(200);
  expect(first.held).toEqual([]);
  for (let ms = 0; ms < 4_000; ms += 500) await cluster.pass(500);
  expect(second.held).toEqual(names);
  first.isPaused = false;
  for (let ms = 0; ms < 2_000; ms += 100) await cluster.pass(100);
  expect([...first.held, ...second.held].toSorted()).toEqual(names);
});

/** What a process gets done that sleeps in its transaction for so long that its lease passes on. */
async function workOfSleeper(isTied: boolean): Promise<boolean> {
  const first = await cluster.join();
  const [lease] = first.all;
  if (lease === undefined) throw new Error("There is no lease.");
  const second = await cluster.join();
  await cluster.pass(100);
  const [holder, other] = lease.holds() ? [first, second] : [second, first];
  const own = holder.leases.lease(lease.name);
  const taken = other.leases.lease(lease.name);
  return await holder.work(
    own,
    async () => {
      holder.isPaused = true;
      for (let ms = 0; ms < 12_000; ms += 500) await cluster.pass(500);
      expect(taken.holds()).toBe(true);
      expect(await other.work(taken)).toBe(true);
      holder.isPaused = false;
    },
    isTied,
  );
}

test("a sleeper that wakes after its lease was taken commits nothing", async () => {
  expect(await workOfSleeper(true)).toBe(false);
});

test("it would, if its transaction had not read the term", async () => {
  expect(await workOfSleeper(false)).toBe(true);
});

/** Starts, stops, kills and pauses processes while all of them work; counts what was committed under a term that was over. */
async function violations(seed: number, isTied: boolean): Promise<{ worked: number; wrong: number }> {
  const random = seededRandom(seed);
  const observer = await cluster.observe();
  const terms = new Map<string, unknown>();
  let worked = 0;
  let wrong = 0;
  observer.onCommit(({ writes }) => {
    for (const [key, value] of writes) {
      if (key.startsWith(termKey(""))) terms.set(key, value);
      if (!key.startsWith("work/")) continue;
      worked += 1;
      if (terms.get(termKey(key.slice("work/".length))) !== value) wrong += 1;
    }
  });
  for (let step = 0; step < 60; step++) {
    const live = cluster.alive;
    const one = live[Math.floor(random() * live.length)];
    const dice = random();
    if (one === undefined || (dice < 0.15 && live.length < 4)) await cluster.join();
    else if (dice < 0.22 && live.length > 1) one.isAlive = false;
    else if (dice < 0.35 && live.length > 1) one.isPaused = true;
    else if (dice < 0.4) {
      await one.leases.stop();
      one.isAlive = false;
    } else if (dice < 0.5) for (const each of cluster.processes) each.isPaused = false;
    for (const each of cluster.processes.filter(({ isAlive }) => isAlive)) {
      const lease = each.all[Math.floor(random() * names.length)];
      const turns = Math.floor(random() * 40);
      const dawdle = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) await realTurn();
      };
      if (lease !== undefined) void each.work(lease, dawdle, isTied).catch(() => {});
    }
    await cluster.pass(random() * 4_000);
  }
  for (const each of cluster.processes) each.isPaused = false;
  if (cluster.alive.length === 0) await cluster.join();
  for (let ms = 0; ms < 25_000; ms += 500) await cluster.pass(500);
  expect(cluster.alive.flatMap((each) => each.held).toSorted()).toEqual(names);
  return { worked, wrong };
}

test("only who has the term commits, whoever starts, stops, dies or sleeps", async () => {
  const { worked, wrong } = await violations(Number(process.env["TRUEUP_SEED"]), true);
  expect(wrong).toBe(0);
  expect(worked).toBeGreaterThan(20);
});

test("that is found out when a transaction does not read the term", async () => {
  let found = 0;
  for (let seed = 0; found === 0 && seed < 20; seed++) {
    cluster = new Cluster();
    found = (await violations(seed, false)).wrong;
  }
  expect(found).toBeGreaterThan(0);
});
