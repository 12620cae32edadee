/** Aggregates of an app that several processes have open at once: who refuses whom, and whether every read is exact. */
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import type { AggregateOverview, Backend, OpenStorage } from "trueup";
import { expect, test, vi } from "vitest";
import { memory, sharedMemory } from "../../src/storage/memory/index.js";
import type { Entry, Storage } from "../../src/storage/storage.js";
import { call } from "../setup/open-app.js";
import { newPostgres } from "../setup/postgres.js";
import { seededRandom } from "../setup/random.js";
import {
  expectExact,
  openBoard,
  refusedIn,
  waitingIn,
  whenFolded,
  Writer,
  type BoardOptions,
} from "./shared-board.js";

interface Boards {
  /** Runs the worker, and writes as the others do. */
  readonly worker: Backend;
  /** Only write. */
  readonly apps: readonly Backend[];
}

async function openThree(open: OpenStorage, options: BoardOptions = {}): Promise<Boards> {
  const worker = await openBoard(open, { ...options, runScheduled: true });
  const apps = [await openBoard(open, options), await openBoard(open, options)];
  // The worker's own process calls the worker first.
  await call(worker, "board:insert", { game: "go", score: 0 });
  return { worker, apps };
}

/** Two writers for each opening. */
function writersOf({ worker, apps }: Boards, random: () => number): Writer[] {
  return [worker, ...apps].flatMap((app) => [new Writer(app, random), new Writer(app, random)]);
}

test("writes of several processes never refuse each other, nor a fold them; every read is exact at every version", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const boards = await openThree(sharedMemory().open);
      const { worker, apps } = boards;
      const before = await refusedIn(apps);
      const writers = writersOf(boards, random);
      for (let phase = 0; phase < 2; phase++) {
        for (let round = 0; round < 8; round++) {
          const comparing = [worker, ...apps][round % 3] as Backend;
          await Promise.all([...writers.map((writer) => writer.write()), expectExact(comparing)]);
        }
        expect(await call(worker, "board:queue")).toMatchObject({ hasDeadLetters: false });
        await whenFolded(worker);
        for (const app of [worker, ...apps]) await expectExact(app);
      }
      expect((await refusedIn(apps)) - before).toBe(0);
    }),
    { numRuns: 2 },
  );
}, 300_000);

test("on Postgres too every read is exact, while what one has handed over is later than what it has heard of", async () => {
  const boards = await openThree(newPostgres());
  const { worker, apps } = boards;
  const writers = writersOf(boards, seededRandom(1));
  for (let round = 0; round < 60; round++) {
    const comparing = [worker, ...apps][round % 3] as Backend;
    await Promise.all([...writers.map((writer) => writer.write()), expectExact(comparing)]);
  }
  await whenFolded(worker);
  await expectExact(worker);
}, 300_000);

/** Openings that are stopped before a certain commit, or before they hear of one, as processes are that die then. */
class Mortals {
  readonly #stopped = new Set<number>();
  /** How many commits and answers each may still make. */
  readonly #livesFor = new Map<number, { left: number; readonly die: () => void }>();
  #wake: () => void = () => {};
  readonly #isAwake = new Promise<void>((resolve) => (this.#wake = resolve));
  #openings = 0;
  readonly #open: OpenStorage;

  constructor() {
    const { open } = sharedMemory({ before: (step, opening) => this.#before(step, opening) });
    this.#open = open;
  }

  async start(): Promise<{ readonly app: Backend; readonly opening: number }> {
    const opening = this.#openings++;
    return { app: await openBoard(this.#open, { runScheduled: true }), opening };
  }

  /** Has an opening die after so many steps; resolves when it has. */
  dieAfter(opening: number, left: number): Promise<void> {
    return new Promise((die) => this.#livesFor.set(opening, { left, die }));
  }

  kill(opening: number): void {
    this.#stopped.add(opening);
    this.#livesFor.get(opening)?.die();
  }

  /** They go on, so that they can be closed. */
  wakeAll(): void {
    this.#livesFor.clear();
    this.#stopped.clear();
    this.#wake();
  }

  #before(step: string, opening: number): void | Promise<void> {
    const life = this.#livesFor.get(opening);
    if (life !== undefined && (step === "commit" || step === "answer") && life.left-- <= 0) {
      this.kill(opening);
    }
    if (this.#stopped.has(opening)) return this.#isAwake;
  }
}

test("a process that dies at any commit leaves reads exact, and nothing of what was acknowledged out", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const mortals = new Mortals();
      const places = [await mortals.start(), await mortals.start(), await mortals.start()];
      const acknowledged: string[] = [];
      for (let round = 0; round < 5; round++) {
        const dying = Math.floor(random() * places.length);
        const { opening } = places[dying] as (typeof places)[number];
        const dead = mortals.dieAfter(opening, Math.floor(random() * 20));
        const writers = places.map(({ app }) => new Writer(app, random));
        await Promise.all(
          writers.map(async (writer, place) => {
            const writing = (async () => {
              for (let write = 0; write < 10; write++) await writer.write();
            })();
            await (place === dying ? Promise.race([writing.catch(() => {}), dead]) : writing);
          }),
        );
        mortals.kill(opening);
        places[dying] = await mortals.start();
        // Of the one that died nobody knows whether its last write, which may have removed one, was made.
        writers.splice(dying, 1);
        acknowledged.push(...writers.flatMap(({ documents }) => documents));
        const [first] = places as [(typeof places)[number]];
        const ids = new Set((await call(first.app, "board:ids")) as string[]);
        expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
        for (const { app } of places) await expectExact(app);
      }
      const [first] = places as [(typeof places)[number]];
      await whenFolded(first.app);
      for (const { app } of places) await expectExact(app);
      mortals.wakeAll();
    }),
    { numRuns: 1 },
  );
}, 300_000);

test("a build, and a check of it, end beside writers, who are refused only when what they follow changes", async () => {
  const boards = await openThree(sharedMemory().open);
  const { worker, apps } = boards;
  const writers = writersOf(boards, seededRandom(1));
  for (let round = 0; round < 30; round++) await Promise.all(writers.map((writer) => writer.write()));
  const before = await refusedIn(apps);
  let goesOn = true;
  const writing = writers.map(async (writer) => {
    while (goesOn) await writer.write();
  });
  const { generation } = await worker.aggregates.status("board");
  await call(worker, "board:rebuild");
  await expect
    .poll(() => worker.aggregates.status("board"))
    .toSatisfy((status: AggregateOverview) => status.state === "ready" && status.generation > generation);
  const { differences } = await worker.aggregates.verify("board");
  goesOn = false;
  await Promise.all(writing);
  expect(differences).toEqual([]);
  for (const app of [worker, ...apps]) await expectExact(app);
  // Four writers, and a build begins, is made in bulk, is sealed, and takes the place of the one before.
  expect((await refusedIn(apps)) - before).toBeLessThanOrEqual(4 * 8);
  await whenFolded(worker);
  await expectExact(worker);
}, 300_000);

test("direct writes pass each other where they are far apart, because no root keeps sums and no count names nodes", async () => {
  // Commits come a little late, so that those of one round begin before any of them is heard of.
  const { open } = sharedMemory({ before: (step) => (step === "commit" ? setTimeout(2) : undefined) });
  const options: BoardOptions = { deltas: false };
  const worker = await openBoard(open, { ...options, runScheduled: true });
  await call(worker, "board:insertMany", { count: 3000 });
  const apps = [await openBoard(open, options), await openBoard(open, options)];
  expect(await waitingIn(worker)).toBe(0);
  expect(await call(worker, "board:trees")).toMatchObject([
    { rootLazy: true, root: expect.stringMatching(/^[0-9a-z]{16}$/) },
  ]);
  const before = await refusedIn(apps);
  for (let round = 0; round < 10; round++) {
    const at = [500, 2500];
    await Promise.all(
      apps.map((app, index) => call(app, "board:insert", { game: "go", score: (at[index] ?? 0) + 0.5 })),
    );
  }
  expect((await refusedIn(apps)) - before).toBe(0);
  // In one place they do meet, and each is there in the end.
  await Promise.all(
    Array.from({ length: 8 }, (_, at) =>
      call(apps[at % 2] as Backend, "board:insert", { game: "go", score: 1 }),
    ),
  );
  expect((await refusedIn(apps)) - before).toBeGreaterThan(0);
  await expectExact(worker);
}, 120_000);

test("how writes are made follows the storage: an app that moves takes deltas where it shares one, and nowhere else", async () => {
  const alone = async (entries: readonly Entry[]): Promise<Storage> => storageWith(await memory()(), entries);
  const first = await alone([]);
  let app = await openBoard(() => Promise.resolve(first));
  for (let score = 0; score < 20; score++) await call(app, "board:insert", { game: "go", score });
  expect(await waitingIn(app)).toBe(0);

  const { open } = sharedMemory();
  await (await storageWith(await open(), await entriesOf(first))).close();
  const apps = [await openBoard(open), await openBoard(open)];
  for (let score = 0; score < 20; score++) {
    await call(apps[score % 2] as Backend, "board:insert", { game: "go", score });
  }
  expect(await waitingIn(app)).toBe(0);
  expect(await waitingIn(apps[0] as Backend)).toBe(16);
  for (const each of apps) await expectExact(each);

  const back = await alone(await entriesOf(await open()));
  app = await openBoard(() => Promise.resolve(back));
  await expectExact(app);
  await call(app, "board:insert", { game: "go", score: 7 });
  expect(await waitingIn(app)).toBe(0);
  await expectExact(app);
});

async function entriesOf(storage: Storage): Promise<Entry[]> {
  const snapshot = await storage.snapshot();
  return await snapshot.scan({ start: "" });
}

async function storageWith(storage: Storage, entries: readonly Entry[]): Promise<Storage> {
  if (entries.length > 0) await (await storage.begin()).commit({ writes: entries });
  return storage;
}

test("where the worker has not run for a while, writers have it called anew, by jobs that any process may run", async () => {
  const { open } = sharedMemory();
  const app = await openBoard(open);
  const calls = async (): Promise<number> => (await app.figures()).jobs.due;
  const insert = (): Promise<unknown> => call(app, "board:insert", { game: "go", score: 1 });
  await insert();
  // It was called, and nobody runs it. Who comes soon after does not call it again.
  await insert();
  expect(await calls()).toBe(1);
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3000);
  const chance = vi.spyOn(Math, "random").mockReturnValue(0.01);
  try {
    await insert();
    expect(await calls()).toBe(2);
  } finally {
    clock.mockRestore();
    chance.mockRestore();
  }
  const next = await openBoard(open, { runScheduled: true });
  await whenFolded(next);
  await expectExact(next);
});
