import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TrueupError } from "../errors/index.js";
import { platformClock } from "./clock.js";
import { backoffMs, WorkLoop, type Others, type LoopedWork } from "./work-loop.js";

/** Work that is due at times which the test sets, and does what the test says. */
class Chores implements LoopedWork {
  dueAtMs: number[] = [];
  readonly done: number[] = [];
  readonly errors: [message: string, attempts: number][] = [];
  retryMs: number | null = 100;
  others?: Others;
  onStep: (isAlone: boolean) => Promise<void> = () => Promise.resolve();

  nextAtMs(): number {
    return Math.min(Infinity, ...this.dueAtMs);
  }

  async step(isAlone: boolean): Promise<void> {
    const next = this.nextAtMs();
    await this.onStep(isAlone);
    this.dueAtMs.splice(this.dueAtMs.indexOf(next), 1);
    this.done.push(Date.now());
  }

  retryAfterMs(error: unknown, attempts: number): number | null {
    this.errors.push([String(error instanceof Error ? error.message : error), attempts]);
    return this.retryMs;
  }
}

let chores: Chores;
let loop: WorkLoop;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  chores = new Chores();
  loop = new WorkLoop(chores);
});
afterEach(() => void vi.useRealTimers());

/** A promise that the test resolves. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test("work is done when it is due, and not before the loop was started", async () => {
  chores.dueAtMs = [0, 50, 5000];
  await vi.advanceTimersByTimeAsync(20);
  expect(chores.done).toEqual([]);
  loop.start();
  await vi.advanceTimersByTimeAsync(100);
  expect(chores.done).toEqual([20, 50]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(chores.done).toEqual([20, 50, 5000]);
});

test("work that becomes due earlier is found when the loop is woken", async () => {
  chores.dueAtMs = [5000];
  loop.start();
  chores.dueAtMs.push(10);
  await vi.advanceTimersByTimeAsync(20);
  expect(chores.done).toEqual([]);
  loop.wake();
  await vi.advanceTimersByTimeAsync(1);
  expect(chores.done).toEqual([20]);
});

test("work that is due later than a timer can wait is done then, and not earlier", async () => {
  const atMs = 0x7fff_ffff * 2 + 5;
  chores.dueAtMs = [atMs];
  loop.start();
  await vi.advanceTimersByTimeAsync(atMs - 1);
  expect(chores.done).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(chores.done).toEqual([atMs]);
});

test("one step runs at a time, however often the loop is woken, run or started", async () => {
  const { opened, open } = gate();
  let running = 0;
  let most = 0;
  chores.onStep = async () => {
    most = Math.max(most, (running += 1));
    await opened;
    running -= 1;
  };
  chores.dueAtMs = [0, 0, 0];
  loop.start();
  const run = loop.runDue();
  loop.wake();
  loop.start();
  await vi.advanceTimersByTimeAsync(100);
  expect(loop.runDue()).toBe(run);
  open();
  await run;
  expect([most, chores.done.length]).toEqual([1, 3]);
});

test("what a step makes due at once is done in the same round", async () => {
  let steps = 0;
  chores.onStep = () => {
    if ((steps += 1) < 4) chores.dueAtMs.push(0);
    return Promise.resolve();
  };
  chores.dueAtMs = [0];
  loop.start();
  await loop.runDue();
  expect(steps).toBe(4);
  expect(loop.isDone).toBe(true);
});

test("a failure puts the work off, and attempts are counted until a step succeeds", async () => {
  let failures = 3;
  chores.onStep = () => (failures-- > 0 ? Promise.reject(new Error("no luck")) : Promise.resolve());
  chores.dueAtMs = [0];
  loop.start();
  await vi.advanceTimersByTimeAsync(250);
  expect(chores.errors).toEqual([
    ["no luck", 1],
    ["no luck", 2],
    ["no luck", 3],
  ]);
  loop.wake();
  await vi.advanceTimersByTimeAsync(49);
  expect(chores.done).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(chores.done).toEqual([300]);
  failures = 1;
  chores.dueAtMs = [0];
  loop.wake();
  await vi.advanceTimersByTimeAsync(200);
  expect(chores.errors.at(-1)).toEqual(["no luck", 1]);
});

test("a failure without a retry ends the work until it is woken, and whoever waits is told", async () => {
  chores.retryMs = null;
  let isBroken = true;
  chores.onStep = () => (isBroken ? Promise.reject(new Error("broken")) : Promise.resolve());
  chores.dueAtMs = [0];
  loop.start();
  const failure = loop.whenDone().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await failure).toMatchObject({ message: "broken" });
  expect(chores.errors).toHaveLength(1);
  expect(() => loop.throwFailure()).toThrow("broken");
  isBroken = false;
  loop.wake();
  const done = loop.whenDone();
  await vi.advanceTimersByTimeAsync(1);
  await done;
  expect(chores.done).toHaveLength(1);
});

test("a closed storage ends the loop without asking for a retry", async () => {
  chores.onStep = () => Promise.reject(new TrueupError("STORAGE_CLOSED"));
  chores.dueAtMs = [0];
  loop.start();
  const failure = loop.whenDone().catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await failure).toMatchObject({ code: "STORAGE_CLOSED" });
  expect([loop.isOn, chores.errors]).toEqual([false, []]);
});

test("a failure beside the steps puts the work off like one of theirs", async () => {
  chores.dueAtMs = [0];
  loop.start();
  loop.fail(new Error("an action was lost"));
  await vi.advanceTimersByTimeAsync(99);
  expect([chores.errors, chores.done]).toEqual([[["an action was lost", 1]], []]);
  await vi.advanceTimersByTimeAsync(1);
  expect(chores.done).toEqual([100]);
});

test("stopping waits for the step under way, begins no other, and releases whoever waits", async () => {
  const { opened, open } = gate();
  chores.onStep = () => opened;
  chores.dueAtMs = [0, 0];
  loop.start();
  await vi.advanceTimersByTimeAsync(1);
  const done = loop.whenDone();
  let isStopped = false;
  const stopping = loop.stop().then(() => (isStopped = true));
  await vi.advanceTimersByTimeAsync(100);
  expect(isStopped).toBe(false);
  open();
  await Promise.all([stopping, done, loop.stop()]);
  expect(chores.done).toHaveLength(1);
  loop.wake();
  await vi.advanceTimersByTimeAsync(100);
  expect(chores.done).toHaveLength(1);
});

test("stopping releases whoever waits for work of a later time", async () => {
  chores.dueAtMs = [60_000];
  loop.start();
  const waiting = [loop.whenDone(), loop.whenStepped()];
  await loop.stop();
  await Promise.all(waiting);
  expect(chores.done).toEqual([]);
});

test("nobody waits for a step that will not come", async () => {
  await loop.whenStepped();
  loop.start();
  await Promise.all([loop.whenStepped(), loop.whenDone()]);
  chores.dueAtMs = [60_000];
  loop.wake();
  const waiting = loop.whenStepped();
  chores.dueAtMs = [];
  loop.wake();
  await waiting;
});

test("whoever waits for a step is released by the next that ends, failed or not", async () => {
  chores.onStep = () => Promise.reject(new Error("no luck"));
  chores.dueAtMs = [10];
  loop.start();
  let isReleased = false;
  void loop.whenStepped().then(() => (isReleased = true));
  await vi.advanceTimersByTimeAsync(9);
  expect(isReleased).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isReleased).toBe(true);
});

test("a process that does not own the work begins none of it, until it does and is woken", async () => {
  let isOwner = false;
  loop = new WorkLoop(chores, { owner: { holds: () => isOwner } });
  chores.dueAtMs = [0, 0, 0];
  loop.start();
  await loop.runDue();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(chores.done).toEqual([]);
  isOwner = true;
  chores.onStep = () => {
    if (chores.done.length === 1) isOwner = false;
    return Promise.resolve();
  };
  loop.wake();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(chores.done).toHaveLength(2);
});

test("steps and timers run outside the context of whoever woke the loop", async () => {
  const call = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  chores.onStep = () => {
    seen.push(call.getStore());
    return Promise.resolve();
  };
  loop.start();
  call.run("a call", () => {
    chores.dueAtMs = [0];
    loop.wake();
  });
  await vi.advanceTimersByTimeAsync(1);
  await call.run("another call", () => {
    chores.dueAtMs = [0];
    return loop.runDue();
  });
  chores.dueAtMs = [50];
  call.run("a third", () => loop.wake());
  await vi.advanceTimersByTimeAsync(100);
  expect(seen).toEqual([undefined, undefined, undefined]);
});

test("work learns whether it was alone since the step before", async () => {
  loop = new WorkLoop(chores, { clock: platformClock });
  const usesOfOthers = [0, 4, 0, 0];
  let uses = 0;
  const alone: boolean[] = [];
  chores.others = { count: () => uses, ownPerStep: 1, areWaiting: () => false, maxRestMs: () => 0 };
  chores.onStep = (isAlone) => {
    uses += 1 + (usesOfOthers[alone.length] ?? 0);
    alone.push(isAlone);
    return Promise.resolve();
  };
  chores.dueAtMs = usesOfOthers.map(() => 0);
  loop.start();
  await loop.whenDone();
  expect(alone).toEqual([true, true, false, true]);
});

/** Does two steps while others are found waiting so many times after each, and says how often it was asked whether they are. */
async function asksBetweenSteps(waits: number, maxRestMs: number): Promise<number[]> {
  loop = new WorkLoop(chores, { clock: platformClock });
  let left = 0;
  const asks: number[] = [];
  const areWaiting = (): boolean => {
    asks[asks.length - 1] = (asks.at(-1) ?? 0) + 1;
    return left-- > 0;
  };
  chores.others = { count: () => 0, ownPerStep: 0, areWaiting, maxRestMs: () => maxRestMs };
  chores.onStep = () => {
    asks.push(0);
    left = waits;
    return Promise.resolve();
  };
  chores.dueAtMs = [0, 0];
  loop.start();
  await loop.whenDone();
  await loop.stop();
  return asks;
}

test("work rests as long as others wait, and goes on when nobody does", async () => {
  expect(await asksBetweenSteps(0, 60_000)).toEqual([1, 1]);
  expect(await asksBetweenSteps(7, 60_000)).toEqual([8, 8]);
});

test("work rests no longer than it is willing to, however many wait", async () => {
  expect(await asksBetweenSteps(Infinity, 0)).toEqual([1, 1]);
});

test("it is asked whether something is due now, and whether anything will be", async () => {
  chores.dueAtMs = [100];
  expect([loop.isDue, loop.isDone]).toEqual([false, true]);
  loop.start();
  expect([loop.isDue, loop.isDone]).toEqual([false, false]);
  vi.setSystemTime(100);
  expect([loop.isDue, loop.isDone]).toEqual([true, false]);
  chores.onStep = () => {
    chores.dueAtMs = [Infinity];
    expect([loop.isDue, loop.isDone]).toEqual([true, false]);
    return Promise.resolve();
  };
  await loop.runDue();
  expect([loop.isDue, loop.isDone, chores.done]).toEqual([false, true, [100]]);
});

test("no timer waits while a step runs, or after the loop was stopped", async () => {
  const { opened, open } = gate();
  chores.onStep = () => opened;
  chores.dueAtMs = [0, 5000];
  loop.start();
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  loop.wake();
  expect(vi.getTimerCount()).toBe(0);
  open();
  await vi.advanceTimersByTimeAsync(1);
  expect(vi.getTimerCount()).toBe(1);
  await loop.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("other errors with a code are tried again, and are no failure of the loop", async () => {
  chores.onStep = () => Promise.reject(new TrueupError("STORAGE_CONFLICT"));
  chores.dueAtMs = [0];
  loop.start();
  await vi.advanceTimersByTimeAsync(150);
  expect([loop.isOn, chores.errors.length]).toEqual([true, 2]);
  expect(() => loop.throwFailure()).not.toThrow();
});

test("a storage that is closed beside the steps releases whoever waits", async () => {
  chores.dueAtMs = [60_000];
  loop.start();
  const failure = loop.whenDone().catch((error: unknown) => error);
  loop.fail(new TrueupError("STORAGE_CLOSED"));
  expect(await failure).toMatchObject({ code: "STORAGE_CLOSED" });
});

test("work on the platform's clock goes on while the clock of a test stands still", async () => {
  loop = new WorkLoop(chores, { clock: platformClock });
  chores.retryMs = 5;
  let isBroken = true;
  chores.onStep = () => {
    const outcome = isBroken ? Promise.reject(new Error("once")) : Promise.resolve();
    isBroken = false;
    return outcome;
  };
  chores.dueAtMs = [0, 0];
  loop.start();
  await loop.whenDone();
  expect([chores.done, chores.errors]).toEqual([[0, 0], [["once", 1]]]);
});

test("waits double up to their limit", () => {
  expect([1, 2, 3, 4, 5].map((attempts) => backoffMs(attempts, 100, 1000))).toEqual([
    100, 200, 400, 800, 1000,
  ]);
});
